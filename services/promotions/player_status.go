package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// StatusChange is a change of a player's status.
type StatusChange struct {
	Player uuid.UUID
	Active bool
	// Complete is true if Restrictions are all restrictions of the player. Events of older releases say nothing about them.
	Complete     bool
	Restrictions []PlayerRestriction
	// Version orders the changes of a player. The first change has version 1.
	Version int64
	At      time.Time
}

// PlayerStatusChanged records a change of a player's status. It processes each event only once. It ignores a change with a
// version that is not greater than the stored version, such as the change of a replayed dead letter.
func (s *Service) PlayerStatusChanged(ctx context.Context, eventID string, c StatusChange) error {
	p := Player{ID: c.Player, IsActive: c.Active, StatusVersion: c.Version, CreatedAt: s.now(), UpdatedAt: c.At.UTC()}
	if c.Complete {
		p = p.WithRestrictions(c.Restrictions, c.Version)
	}
	return s.store.SetPlayerStatus(ctx, eventID, p, c.Restrictions)
}
