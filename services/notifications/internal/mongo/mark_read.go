package mongo

import (
	"context"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var setRead = bson.D{{Key: "$set", Value: bson.D{{Key: "read", Value: true}}}}

// MarkRead implements notifications.Store. Of two callers that mark the same notification at once, both may report it.
func (s *Store) MarkRead(ctx context.Context, player uuid.UUID, ids []uuid.UUID) ([]uuid.UUID, error) {
	wanted := make(bson.A, len(ids))
	for i, id := range ids {
		wanted[i] = binary(id)
	}
	unread := bson.D{
		{Key: "user_id", Value: binary(player)},
		{Key: "read", Value: false},
		{Key: "_id", Value: bson.D{{Key: "$in", Value: wanted}}},
	}
	cursor, err := s.list.Find(ctx, unread, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return nil, failure("find unread", err)
	}
	var found []document
	if err := cursor.All(ctx, &found); err != nil {
		return nil, failure("find unread", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	if _, err := s.list.UpdateMany(ctx, unread, setRead); err != nil {
		return nil, failure("mark read", err)
	}
	changed := make([]uuid.UUID, len(found))
	for i, d := range found {
		changed[i] = fromBinary(d.ID)
	}
	return changed, nil
}

// MarkAllRead implements notifications.Store.
func (s *Store) MarkAllRead(ctx context.Context, player uuid.UUID) (int, error) {
	result, err := s.list.UpdateMany(ctx,
		bson.D{{Key: "user_id", Value: binary(player)}, {Key: "read", Value: false}}, setRead)
	if err != nil {
		return 0, failure("mark all read", err)
	}
	return int(result.ModifiedCount), nil
}
