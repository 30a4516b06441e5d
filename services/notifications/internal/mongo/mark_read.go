package mongo

import (
	"context"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/casino-loyalty/loyalty/internal/convert/documents"
)

var setRead = bson.D{{Key: "$set", Value: bson.D{{Key: "read", Value: true}}}}

// MarkRead implements notifications.Store.
func (s *Store) MarkRead(ctx context.Context, player uuid.UUID, ids []uuid.UUID) ([]uuid.UUID, error) {
	idValues := make(bson.A, len(ids))
	for i, id := range ids {
		idValues[i] = documents.UUID(id)
	}
	filter := bson.D{
		{Key: "user_id", Value: documents.UUID(player)},
		{Key: "_id", Value: bson.D{{Key: "$in", Value: idValues}}},
	}
	cursor, err := s.list.Find(ctx, filter, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return nil, failure("find notifications to mark as read", err)
	}
	var found []notificationDocument
	if err := cursor.All(ctx, &found); err != nil {
		return nil, failure("find notifications to mark as read", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	if _, err := s.list.UpdateMany(ctx, append(filter, bson.E{Key: "read", Value: false}), setRead); err != nil {
		return nil, failure("mark notifications as read", err)
	}
	marked := make([]uuid.UUID, len(found))
	for i, d := range found {
		marked[i] = uuid.UUID(d.ID)
	}
	return marked, nil
}

// MarkAllRead implements notifications.Store.
func (s *Store) MarkAllRead(ctx context.Context, player uuid.UUID, last int64) error {
	_, err := s.list.UpdateMany(ctx, upTo(player, false, last), setRead)
	return failure("mark all notifications as read", err)
}

// upTo selects the player's read or unread notifications with sequence numbers up to last. An index covers the query.
func upTo(player uuid.UUID, read bool, last int64) bson.D {
	return bson.D{
		{Key: "user_id", Value: documents.UUID(player)},
		{Key: "read", Value: read},
		{Key: "seq", Value: bson.D{{Key: "$lte", Value: last}}},
	}
}
