package producer

import (
	"time"

	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// RestrictionsChanged returns the event of a change of a player's restrictions at the time at: PLAYER_RESTRICTED if a
// restriction is in force then, or else PLAYER_UNRESTRICTED. The event contains all restrictions that are in force.
func RestrictionsChanged(u users.User, restrictions []users.Restriction, at time.Time) ([]event.Event, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	s := status(u, restrictions, at)
	typ := usersv1.PlayerEventType_PLAYER_UNRESTRICTED
	if len(s.GetRestrictions()) > 0 {
		typ = usersv1.PlayerEventType_PLAYER_RESTRICTED
	}
	return playerEvent(id, u, typ, s, at)
}

// status returns the complete status of a player at a time.
func status(u users.User, restrictions []users.Restriction, at time.Time) *usersv1.PlayerStatus {
	return &usersv1.PlayerStatus{
		IsActive: u.IsActive,
		Restrictions: fields.Slice(users.InForce(restrictions, at), func(r users.Restriction) *usersv1.PlayerRestriction {
			return &usersv1.PlayerRestriction{
				Kind: wire.FromRestrictionKind(r.Kind), Until: fields.Time(r.Until), ByPlayer: r.ByPlayer,
			}
		}),
	}
}
