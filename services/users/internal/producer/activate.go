package producer

import (
	"time"

	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/users"
)

// StatusChanged returns the event PLAYER_ACTIVATED or PLAYER_DEACTIVATED for a player. The status of the player changed to
// u.IsActive at the time at. The event contains the restrictions that are in force then. StatusChanged returns no event for
// other roles.
func StatusChanged(u users.User, restrictions []users.Restriction, at time.Time) ([]event.Event, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	typ := usersv1.PlayerEventType_PLAYER_DEACTIVATED
	if u.IsActive {
		typ = usersv1.PlayerEventType_PLAYER_ACTIVATED
	}
	return playerEvent(id, u, typ, status(u, restrictions, at), at)
}
