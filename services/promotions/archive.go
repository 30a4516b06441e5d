package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Archive archives a promotion for good. It changes nothing if that has already happened. It fails with NOT_FOUND, with
// PROMOTION_STATE_CONFLICT if the state does not allow it.
func (s *Service) Archive(ctx context.Context, id uuid.UUID) (Promotion, error) {
	return s.move(ctx, id, archived)
}
