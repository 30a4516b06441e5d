package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Resume resumes a paused promotion. It changes nothing if the promotion is already published. It fails with NOT_FOUND, with
// PROMOTION_STATE_CONFLICT in other states, and with PROMOTION_EXISTS as [Service.Create] does.
func (s *Service) Resume(ctx context.Context, id uuid.UUID) (Promotion, error) {
	return s.change(ctx, id, resume.apply)
}
