package promotions

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// ListAssignmentJobs returns a page of the jobs of a promotion, newest first. It fails with NOT_FOUND if there is no such
// promotion.
func (s *Service) ListAssignmentJobs(
	ctx context.Context, promotion uuid.UUID, p keyset.PageRequest[uuid.UUID],
) (keyset.Page[AssignmentJob], error) {
	page, err := s.store.Jobs(ctx, promotion, p)
	if err == nil && page.Total == 0 {
		_, err = s.store.Promotion(ctx, promotion)
	}
	return page, err
}
