package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// addAttempts limits the attempts to get a player's next sequence number. Conflicts are rare: the bus delivers a player's
// events to one consumer at a time, except while partitions are reassigned.
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
		// Another call stored this event or used this sequence number.
		stored, err := s.findByEvent(ctx, n.EventID)
		if !errors.Is(err, mongo.ErrNoDocuments) {
			return stored, false, failure("find by event", err)
		}
	}
	return notifications.Notification{}, false,
		apperr.New(apperr.DependencyUnavailable, "too many notifications of one player at once")
}

// findByEvent returns the notification of an event, or mongo.ErrNoDocuments. It reads with majority concern, so that a
// redelivered event is acknowledged only when its notification is durable.
func (s *Store) findByEvent(ctx context.Context, eventID string) (notifications.Notification, error) {
	var d notificationDocument
	err := s.list.FindOne(ctx, bson.D{{Key: "event_id", Value: eventID}}).Decode(&d)
	return fromNotificationDocument(d), err
}
