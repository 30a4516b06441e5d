package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Pause pauses a published promotion, which can then not be assigned or claimed. It changes nothing if that has already happened. It fails with NOT_FOUND, with
// PROMOTION_STATE_CONFLICT if the state does not allow it.
func (s *Service) Pause(ctx context.Context, id uuid.UUID) (Promotion, error) {
	return s.move(ctx, id, paused)
}
