package mongo

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/convert/documents"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// Since implements notifications.Store.
func (s *Store) Since(
	ctx context.Context, player uuid.UUID, after int64, limit int,
) ([]notifications.Notification, error) {
	return s.find(ctx, bson.D{
		{Key: "user_id", Value: documents.UUID(player)},
		{Key: "seq", Value: bson.D{{Key: "$gt", Value: after}}},
	}, 1, limit)
}

// Find implements notifications.Store.
func (s *Store) Find(ctx context.Context, player, id uuid.UUID) (int64, error) {
	var found notificationDocument
	err := s.list.FindOne(ctx, bson.D{{Key: "_id", Value: documents.UUID(id)}, {Key: "user_id", Value: documents.UUID(player)}},
		options.FindOne().SetProjection(bson.D{{Key: "seq", Value: 1}})).Decode(&found)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return 0, apperr.New(apperr.NotFound, "notification not found")
	}
	return found.Seq, failure("find one", err)
}

// LastSeq implements notifications.Store.
func (s *Store) LastSeq(ctx context.Context, player uuid.UUID) (int64, error) {
	return lastSeq(ctx, s.list, player)
}

// lastSeq returns the player's last sequence number, or 0 if there is none. It reads only the index.
func lastSeq(ctx context.Context, list *mongo.Collection, player uuid.UUID) (int64, error) {
	var last notificationDocument
	err := list.FindOne(ctx, bson.D{{Key: "user_id", Value: documents.UUID(player)}}, options.FindOne().
		SetSort(bson.D{{Key: "seq", Value: -1}}).
		SetProjection(bson.D{{Key: "seq", Value: 1}, {Key: "_id", Value: 0}})).Decode(&last)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return 0, nil
	}
	return last.Seq, failure("find last", err)
}
