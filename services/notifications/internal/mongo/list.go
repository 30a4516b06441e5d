package mongo

import (
	"context"
	"math"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/casino-loyalty/loyalty/internal/convert/documents"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// List implements notifications.Store.
func (s *Store) List(
	ctx context.Context, player uuid.UUID, read *bool, before int64, limit int,
) ([]notifications.Notification, error) {
	filter := bson.D{{Key: "user_id", Value: documents.UUID(player)}}
	if read != nil {
		filter = append(filter, bson.E{Key: "read", Value: *read})
	}
	if before > 0 {
		filter = append(filter, bson.E{Key: "seq", Value: bson.D{{Key: "$lt", Value: before}}})
	}
	return s.find(ctx, filter, -1, limit)
}

// find returns at most limit matching notifications, sorted by sequence number. An order of 1 is ascending, -1 is
// descending.
func (s *Store) find(ctx context.Context, filter bson.D, order, limit int) ([]notifications.Notification, error) {
	cursor, err := s.list.Find(ctx, filter,
		options.Find().SetSort(bson.D{{Key: "seq", Value: order}}).SetLimit(int64(limit)))
	if err != nil {
		return nil, failure("find", err)
	}
	var found []notificationDocument
	if err := cursor.All(ctx, &found); err != nil {
		return nil, failure("find", err)
	}
	list := make([]notifications.Notification, len(found))
	for i, d := range found {
		list[i] = fromNotificationDocument(d)
	}
	return list, nil
}

// Counts implements notifications.Store. The total is the last sequence number, because the numbers have no gaps and
// nothing is deleted. The unread count is read from an index. A separate counter could become inconsistent.
func (s *Store) Counts(ctx context.Context, player uuid.UUID) (notifications.Counts, error) {
	total, err := s.LastSeq(ctx, player)
	if err != nil {
		return notifications.Counts{}, err
	}
	unread, err := s.count(ctx, upTo(player, false, total)) // newer notifications are not counted
	if err != nil {
		return notifications.Counts{}, err
	}
	return notifications.Counts{Total: int(total), Unread: unread}, nil
}

// CountRead implements notifications.Store.
func (s *Store) CountRead(ctx context.Context, player uuid.UUID) (int, error) {
	return s.count(ctx, upTo(player, true, math.MaxInt64))
}

// count returns the number of matching notifications. It stops above keyset.MaxExactTotal.
func (s *Store) count(ctx context.Context, filter bson.D) (int, error) {
	n, err := s.list.CountDocuments(ctx, filter, options.Count().SetLimit(keyset.MaxExactTotal+1))
	return int(n), failure("count", err)
}
