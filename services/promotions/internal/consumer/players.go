// Package consumer subscribes the promotions service to the events of the users service.
package consumer

import (
	"context"
	"time"

	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventproto"
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

// maxStatusVersion is more than the number of times that the status of a player changes. An event with a higher version is
// not from the users service.
const maxStatusVersion = 1_000_000

// Players returns the subscription to registrations, deactivations and activations of players.
func Players(s *promotions.Service) event.Subscription {
	check := eventproto.Checker((&usersv1.PlayerEvent{}).ProtoReflect().Descriptor())
	return usersv1event.OnPlayerEvent(Group, func(ctx context.Context, e event.Event, m *usersv1.PlayerEvent) error {
		if err := check(m); err != nil {
			return err
		}
		player, err := uuid.Parse(m.GetUserId())
		if err != nil {
			return event.Permanentf("user_id: %w", err)
		}
		switch m.GetEventType() {
		case usersv1.PlayerEventType_PLAYER_REGISTERED:
			return s.Registered(ctx, e.ID, player)
		case usersv1.PlayerEventType_PLAYER_DEACTIVATED, usersv1.PlayerEventType_PLAYER_ACTIVATED:
			if v := m.GetStatusVersion(); v < 1 || v > maxStatusVersion {
				return event.Permanentf("statusVersion: must be from 1 to %d, is %d", maxStatusVersion, v)
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
