package promotions

import (
	"context"

	"github.com/google/uuid"
)

// ResumeAssignmentJob resumes a paused job. It changes nothing if the job is not paused. It fails with NOT_FOUND, and with
// JOB_STATE_CONFLICT if the job has ended.
func (s *Service) ResumeAssignmentJob(ctx context.Context, id uuid.UUID) (AssignmentJob, error) {
	return s.store.ChangeJob(ctx, id, (*AssignmentJob).Resume)
}
