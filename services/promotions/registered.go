package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// RegisterParams is a player on the way in.
type RegisterParams struct {
	Player uuid.UUID
	// Types are assigned to everybody who registers.
	Types []PromotionType
	At    time.Time
}

// Registered takes in a player and assigns every active and currently available promotion that registration brings; none
// is fine. It is safe to repeat for the same event.
func (s *Service) Registered(ctx context.Context, eventID string, player uuid.UUID) error {
	r := RegisterParams{Player: player, At: s.now()}
	for _, t := range PromotionTypes() {
		if t.AssignedOnRegistration() {
			r.Types = append(r.Types, t)
		}
	}
	return s.store.RegisterPlayer(ctx, eventID, r)
}
