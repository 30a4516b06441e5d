package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Pause pauses a published promotion, which can then not be assigned or claimed. It changes nothing if the promotion is
// already paused. It fails with NOT_FOUND, and with PROMOTION_STATE_CONFLICT in other states.
func (s *Service) Pause(ctx context.Context, id uuid.UUID) (Promotion, error) {
	return s.change(ctx, id, pause.apply)
}
