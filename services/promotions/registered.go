package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// RegisterParams are the parameters of [PlayerStore.RegisterPlayer].
type RegisterParams struct {
	Player uuid.UUID
	// Types are the promotion types that every new player is assigned.
	Types []PromotionType
	// Registered is when the player registered. At is the time of the assignments.
	Registered, At time.Time
}

// Registered stores a new player and assigns every available promotion of the types that are assigned on registration. It
// processes each event only once. It succeeds even if there is no such promotion.
func (s *Service) Registered(ctx context.Context, eventID string, player uuid.UUID, registered time.Time) error {
	r := RegisterParams{Player: player, Registered: registered.UTC(), At: s.now()}
	for _, t := range PromotionTypes() {
		if t.AssignedOnRegistration() {
			r.Types = append(r.Types, t)
		}
	}
	return s.store.RegisterPlayer(ctx, eventID, r)
}
