// Package producer builds the events that the promotions service publishes. The store appends them to the outbox in the same
// transaction as the change that they report.
package producer

import (
	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/staffonly"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Assigned returns one PROMOTION notification event for each of the assignments, which must be assignments of p. The content
// of the notification is p as players see it, in its state at the time of the assignment. Each assignment has exactly one
// event, so the event has the id and the time of the assignment.
func Assigned(p promotions.Promotion, assignments []promotions.Assignment) ([]event.Event, error) {
	events := make([]event.Event, len(assignments))
	hidden := staffonly.Of((*promotionsv1.Promotion)(nil).ProtoReflect().Descriptor())
	for i, a := range assignments {
		p.State = p.StateAt(a.CreatedAt)
		content := wire.FromPromotion(p)
		hidden.Clear(content.ProtoReflect())
		var err error
		events[i], err = notificationsv1event.NewNotificationEvent(a.ID, a.CreatedAt, &notificationsv1.NotificationEvent{
			UserId:    a.UserID.String(),
			EventType: notificationsv1.NotificationEventType_PROMOTION,
			Content:   content,
		})
		if err != nil {
			return nil, err
		}
	}
	return events, nil
}
