package promotions

import (
	"context"

	"github.com/google/uuid"
)

// PauseAssignmentJob pauses a job. It changes nothing if the job is already paused. It fails with NOT_FOUND, and with
// JOB_STATE_CONFLICT if the job has ended.
func (s *Service) PauseAssignmentJob(ctx context.Context, id uuid.UUID) (AssignmentJob, error) {
	return s.store.ChangeJob(ctx, id, (*AssignmentJob).Pause)
}
