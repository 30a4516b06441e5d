// Package producer builds the events that the promotions service publishes. The store appends them to the outbox in the same
// transaction as the change that they report.
package producer

import (
	"time"

	"github.com/google/uuid"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Assigned returns one PROMOTION notification event for each of the players, in the order of players. The content of the
// notification is p.
func Assigned(p promotions.Promotion, players []uuid.UUID, at time.Time) ([]event.Event, error) {
	events := make([]event.Event, len(players))
	for i, player := range players {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		events[i], err = notificationsv1event.NewNotificationEvent(id, at, &notificationsv1.NotificationEvent{
			UserId:    player.String(),
			EventType: notificationsv1.NotificationEventType_PROMOTION,
			Content:   wire.FromPromotion(p),
		})
		if err != nil {
			return nil, err
		}
	}
	return events, nil
}
