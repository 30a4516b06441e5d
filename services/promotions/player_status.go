package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// StatusChange is a player's switch off or on.
type StatusChange struct {
	Player uuid.UUID
	Active bool
	// Version counts the player's switches, from 1; 0 where it is not known.
	Version int64
	At      time.Time
}

// PlayerStatusChanged records that a player was switched off or on. It is safe to repeat for the same event, and an event that comes
// after a later one, as dead letters do that are replayed, changes nothing.
func (s *Service) PlayerStatusChanged(ctx context.Context, eventID string, c StatusChange) error {
	return s.store.SetPlayerActive(ctx, eventID, Player{
		ID: c.Player, IsActive: c.Active, StatusVersion: c.Version, CreatedAt: s.now(), UpdatedAt: c.At.UTC(),
	})
}
