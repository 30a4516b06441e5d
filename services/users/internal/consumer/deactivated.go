// Package consumer takes in the events that users acts on.
package consumer

import (
	"context"

	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Group is the consumer group that ends sessions.
const Group = "users-sessions"

// Sessions ends the sessions of players who were deactivated, in case the process that did so died in between.
func Sessions(s *users.Service) event.Subscription {
	return usersv1event.OnPlayerEvent(Group, func(ctx context.Context, _ event.Event, m *usersv1.PlayerEvent) error {
		if m.GetEventType() != usersv1.PlayerEventType_PLAYER_DEACTIVATED {
			return nil
		}
		id, err := uuid.Parse(m.GetUserId())
		if err != nil {
			return event.Permanentf("user_id: %w", err)
		}
		return s.EndSessionsOfDeactivated(ctx, id)
	})
}
