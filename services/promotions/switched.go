package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Switched notes that a player was switched off or on at an instant. It is safe to repeat for the same event, and an event
// that comes after a later one, as dead letters do that are replayed, changes nothing.
func (s *Service) Switched(ctx context.Context, eventID string, player uuid.UUID, active bool, at time.Time) error {
	return s.store.SetPlayerActive(ctx, eventID, Player{
		ID: player, IsActive: active, CreatedAt: s.timestamp(), UpdatedAt: at.UTC(),
	})
}
