package promotions

import (
	"context"

	"github.com/google/uuid"
)

// CancelAssignmentJob ends a job. Its assignments remain. It fails with NOT_FOUND, and with JOB_STATE_CONFLICT if the job
// has ended.
func (s *Service) CancelAssignmentJob(ctx context.Context, id uuid.UUID) (AssignmentJob, error) {
	return s.store.ChangeJob(ctx, id, func(j *AssignmentJob) error { return j.Cancel(s.now()) })
}
