// Package consumer subscribes the promotions service to the events of the users service.
package consumer

import (
	"context"
	"time"

	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// Group is the consumer group of the promotions service.
const Group = "promotions"

// InboxRetention returns how long the inbox must keep the id of a processed event. It covers the time in which the bus can
// deliver the event again, including as a replayed dead letter.
func InboxRetention() time.Duration {
	longest := time.Duration(0)
	for _, t := range usersv1event.Topics() {
		longest = max(longest, t.Retention)
	}
	return longest + event.DeadLetterRetention
}

// Players returns the subscription to registrations, deactivations and activations of players.
func Players(s *promotions.Service) event.Subscription {
	return usersv1event.OnPlayerEvent(Group, func(ctx context.Context, e event.Event, m *usersv1.PlayerEvent) error {
		player, err := uuid.Parse(m.GetUserId())
		if err != nil {
			return event.Permanentf("user_id: %w", err)
		}
		switch m.GetEventType() {
		case usersv1.PlayerEventType_PLAYER_REGISTERED:
			return s.Registered(ctx, e.ID, player)
		case usersv1.PlayerEventType_PLAYER_DEACTIVATED, usersv1.PlayerEventType_PLAYER_ACTIVATED:
			if m.GetStatusVersion() < 1 {
				return event.Permanentf("statusVersion: must be at least 1, is %d", m.GetStatusVersion())
			}
			return s.PlayerStatusChanged(ctx, e.ID, promotions.StatusChange{
				Player:  player,
				Active:  m.GetEventType() == usersv1.PlayerEventType_PLAYER_ACTIVATED,
				Version: int64(m.GetStatusVersion()),
				At:      e.Time,
			})
		default:
			return nil // an event type that is newer than this service
		}
	})
}
