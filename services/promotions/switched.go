package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Switch is a player's switch off or on.
type Switch struct {
	Player uuid.UUID
	Active bool
	// Number counts the player's switches, from 1; 0 where it is not known.
	Number int64
	At     time.Time
}

// Switched notes that a player was switched off or on. It is safe to repeat for the same event, and an event that comes
// after a later one, as dead letters do that are replayed, changes nothing.
func (s *Service) Switched(ctx context.Context, eventID string, w Switch) error {
	return s.store.SetPlayerActive(ctx, eventID, Player{
		ID: w.Player, IsActive: w.Active, Switches: w.Number, CreatedAt: s.now(), UpdatedAt: w.At.UTC(),
	})
}
