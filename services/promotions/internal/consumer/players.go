// Package consumer takes in the events that promotions acts on.
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

// Group is the consumer group of promotions.
const Group = "promotions"

// Remembered is how long it is remembered that an event was handled: longer than the bus may deliver it again, also
// as a dead letter that is replayed.
func Remembered() time.Duration {
	longest := time.Duration(0)
	for _, t := range usersv1event.Topics() {
		longest = max(longest, t.Retention)
	}
	return longest + event.DeadLetterRetention
}

// Players takes in players who register, and who are switched off or on.
func Players(s *promotions.Service) event.Subscription {
	return usersv1event.OnPlayerEvent(Group, func(ctx context.Context, e event.Event, m *usersv1.PlayerEvent) error {
		player, err := uuid.Parse(m.GetUserId())
		if err != nil {
			return event.Permanentf("user_id: %w", err)
		}
		to := promotions.StatusChange{Player: player, Version: int64(m.GetStatusVersion()), At: e.Time}
		switch m.GetEventType() {
		case usersv1.PlayerEventType_PLAYER_REGISTERED:
			return s.Registered(ctx, e.ID, player)
		case usersv1.PlayerEventType_PLAYER_DEACTIVATED:
			return s.PlayerStatusChanged(ctx, e.ID, to)
		case usersv1.PlayerEventType_PLAYER_ACTIVATED:
			to.Active = true
			return s.PlayerStatusChanged(ctx, e.ID, to)
		default:
			return nil // a kind that a newer users service knows, and this one need not
		}
	})
}
