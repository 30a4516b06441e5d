package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Publish publishes a draft. It changes nothing if that has already happened. It fails with NOT_FOUND, with
// PROMOTION_STATE_CONFLICT if the state does not allow it, and with PROMOTION_EXISTS as [Service.Create] does.
func (s *Service) Publish(ctx context.Context, id uuid.UUID) (Promotion, error) {
	return s.move(ctx, id, published)
}
