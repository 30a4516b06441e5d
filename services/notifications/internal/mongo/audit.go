package mongo

import (
	"context"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/casino-loyalty/loyalty/services/notifications"
)

// Walk implements notifications.Auditor.
func (s *Store) Walk(ctx context.Context, fn func(notifications.Entry) error) error {
	cursor, err := s.list.Find(ctx, bson.D{}, options.Find().
		SetSort(bson.D{{Key: "user_id", Value: 1}, {Key: "seq", Value: 1}}).
		SetProjection(bson.D{{Key: "event_id", Value: 1}, {Key: "user_id", Value: 1}, {Key: "seq", Value: 1},
			{Key: "type", Value: 1}, {Key: "content.id", Value: 1}}))
	if err != nil {
		return failure("walk", err)
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }()
	for cursor.Next(ctx) {
		var d notificationDocument
		if err := cursor.Decode(&d); err != nil {
			return failure("walk", err)
		}
		about, _ := d.Content["id"].(string)
		e := notifications.Entry{EventID: d.EventID, UserID: uuid.UUID(d.UserID), Seq: d.Seq, Type: d.Type, ContentID: about}
		if err := fn(e); err != nil {
			return err
		}
	}
	return failure("walk", cursor.Err())
}
