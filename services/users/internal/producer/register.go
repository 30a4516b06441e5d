// Package producer builds the events that the users service publishes. A store appends an event to the outbox in the same
// database transaction as the change that the event reports.
package producer

import (
	"time"

	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Registered returns the event PLAYER_REGISTERED if the new user u is a player. It returns no event for other roles.
func Registered(u users.User) ([]event.Event, error) {
	return playerEvent(u, usersv1.PlayerEventType_PLAYER_REGISTERED, u.CreatedAt)
}

// playerEvent returns an event of the type typ if u is a player. It returns no event for other roles.
func playerEvent(u users.User, typ usersv1.PlayerEventType, at time.Time) ([]event.Event, error) {
	if u.Role != authn.RolePlayer {
		return nil, nil
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	e, err := usersv1event.NewPlayerEvent(id, at, &usersv1.PlayerEvent{
		EventType: typ, UserId: u.ID.String(), StatusVersion: int32(u.StatusVersion),
	})
	if err != nil {
		return nil, err
	}
	return []event.Event{e}, nil
}
