package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Registering is a player on the way in.
type Registering struct {
	Player uuid.UUID
	// Types are assigned to everybody who registers.
	Types []PromotionType
	At    time.Time
}

// Registered takes in a player and assigns every active and currently available promotion that registration brings; none
// is fine. It is safe to repeat for the same event.
func (s *Service) Registered(ctx context.Context, eventID string, player uuid.UUID) error {
	r := Registering{Player: player, At: s.timestamp()}
	for _, t := range PromotionTypes() {
		if t.AssignedOnRegistration() {
			r.Types = append(r.Types, t)
		}
	}
	return s.store.RegisterPlayer(ctx, eventID, r)
}

// Switched notes that a player was switched off or on at an instant. It is safe to repeat for the same event, and an event
// that comes after a later one, as dead letters do that are replayed, changes nothing.
func (s *Service) Switched(ctx context.Context, eventID string, player uuid.UUID, active bool, at time.Time) error {
	return s.store.SetPlayerActive(ctx, eventID, Player{
		ID: player, IsActive: active, CreatedAt: s.timestamp(), UpdatedAt: at.UTC(),
	})
}
