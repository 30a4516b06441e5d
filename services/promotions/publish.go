package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Publish publishes a draft. It changes nothing if the promotion is already published. It fails with NOT_FOUND, with
// PROMOTION_STATE_CONFLICT in other states, and with PROMOTION_EXISTS as [Service.Create] does.
func (s *Service) Publish(ctx context.Context, id uuid.UUID) (Promotion, error) {
	return s.change(ctx, id, publish.apply)
}
