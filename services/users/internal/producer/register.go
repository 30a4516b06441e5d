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

// Registered returns the event PLAYER_REGISTERED if the user u is a player. It returns no event for other roles. Each player
// has exactly one registration, so the event has the id of the player.
func Registered(u users.User) ([]event.Event, error) {
	return playerEvent(u.ID, u, usersv1.PlayerEventType_PLAYER_REGISTERED, nil, u.CreatedAt)
}

// playerEvent returns an event of the type typ with the given id if u is a player. It returns no event for other roles.
func playerEvent(
	id uuid.UUID, u users.User, typ usersv1.PlayerEventType, status *usersv1.PlayerStatus, at time.Time,
) ([]event.Event, error) {
	if u.Role != authn.RolePlayer {
		return nil, nil
	}
	version := int32(u.StatusVersion)
	if typ == usersv1.PlayerEventType_PLAYER_REGISTERED {
		version = 0
	}
	e, err := usersv1event.NewPlayerEvent(id, at, &usersv1.PlayerEvent{
		EventType: typ, UserId: u.ID.String(), StatusVersion: version, Status: status,
	})
	if err != nil {
		return nil, err
	}
	return []event.Event{e}, nil
}
