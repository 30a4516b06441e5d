package promotions

import (
	"context"

	"github.com/google/uuid"
)

// AssignmentJob returns a job. It fails with NOT_FOUND.
func (s *Service) AssignmentJob(ctx context.Context, id uuid.UUID) (AssignmentJob, error) {
	return s.store.Job(ctx, id)
}
