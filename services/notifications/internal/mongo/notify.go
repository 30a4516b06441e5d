package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// addAttempts bounds the race for a player's next number. The bus hands a player's events to one consumer at a time, so
// there is a rival only while partitions move.
const addAttempts = 20

// Add implements notifications.Store.
func (s *Store) Add(ctx context.Context, n notifications.Notification) (notifications.Notification, bool, error) {
	for range addAttempts {
		last, err := lastSeq(ctx, s.newest, n.UserID)
		if err != nil {
			return notifications.Notification{}, false, err
		}
		n.Seq = last + 1
		_, err = s.list.InsertOne(ctx, toNotificationDocument(n))
		switch {
		case err == nil:
			return n, true, nil
		case !mongo.IsDuplicateKeyError(err):
			return notifications.Notification{}, false, failure("insert", err)
		}
		// Either the event is known, or another took the number.
		stored, err := s.ofEvent(ctx, n.EventID)
		if !errors.Is(err, mongo.ErrNoDocuments) {
			return stored, false, failure("find by event", err)
		}
	}
	return notifications.Notification{}, false,
		apperr.New(apperr.DependencyUnavailable, "too many notifications of one player at once")
}

// ofEvent reads with majority concern: a redelivered event is done only when its notification cannot be lost any more.
func (s *Store) ofEvent(ctx context.Context, eventID string) (notifications.Notification, error) {
	var d notificationDocument
	err := s.list.FindOne(ctx, bson.D{{Key: "event_id", Value: eventID}}).Decode(&d)
	return fromNotificationDocument(d), err
}
