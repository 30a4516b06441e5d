// Package producer builds the events that the promotions service publishes. The store appends them to the outbox in the same
// transaction as the change that they report.
package producer

import (
	"time"

	"github.com/google/uuid"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/staffonly"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Assigned returns one PROMOTION notification event for each of the assignments, which must be assignments of p. The content
// of the notification is p as players see it, in its state at the time of the assignment. The event has the time of the
// assignment. The event of the first assignment to a player has the id of the assignment.
func Assigned(p promotions.Promotion, assignments []promotions.Assignment) ([]event.Event, error) {
	events := make([]event.Event, len(assignments))
	for i, a := range assignments {
		id := a.ID
		var err error
		if a.TimesAssigned > 1 {
			if id, err = uuid.NewV7(); err != nil {
				return nil, err
			}
		}
		p.State = p.StateAt(a.CreatedAt)
		events[i], err = notification(notificationsv1.NotificationEventType_PROMOTION, id, a.CreatedAt, a, p)
		if err != nil {
			return nil, err
		}
	}
	return events, nil
}

// Revoked returns one PROMOTION_REVOKED notification event for each of the revoked assignments, which must be assignments of
// p. The content is p as players see it.
func Revoked(p promotions.Promotion, assignments []promotions.Assignment) ([]event.Event, error) {
	events := make([]event.Event, len(assignments))
	for i, a := range assignments {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		events[i], err = notification(notificationsv1.NotificationEventType_PROMOTION_REVOKED, id, a.RevokedAt, a, p)
		if err != nil {
			return nil, err
		}
	}
	return events, nil
}

// Expiring returns the PROMOTION_EXPIRING notification event of an assignment of p. The content is p as players see it.
func Expiring(p promotions.Promotion, a promotions.Assignment, at time.Time) (event.Event, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return event.Event{}, err
	}
	return notification(notificationsv1.NotificationEventType_PROMOTION_EXPIRING, id, at, a, p)
}

func notification(
	typ notificationsv1.NotificationEventType, id uuid.UUID, at time.Time, a promotions.Assignment, p promotions.Promotion,
) (event.Event, error) {
	content := wire.FromPromotion(p)
	staffonly.Of(content.ProtoReflect().Descriptor()).Clear(content.ProtoReflect())
	return notificationsv1event.NewNotificationEvent(id, at, &notificationsv1.NotificationEvent{
		UserId: a.UserID.String(), EventType: typ, Content: content,
	})
}
