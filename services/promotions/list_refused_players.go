package promotions

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// ListRefusedPlayers returns a page of the players whom a job has refused, in the order in which the job processed them. It
// fails with NOT_FOUND if there is no such job.
func (s *Service) ListRefusedPlayers(
	ctx context.Context, job uuid.UUID, p keyset.PageRequest[int64],
) (keyset.Page[RefusedPlayer], error) {
	page, err := s.store.RefusedPlayers(ctx, job, p)
	if err == nil && page.Total == 0 {
		_, err = s.store.Job(ctx, job)
	}
	return page, err
}
