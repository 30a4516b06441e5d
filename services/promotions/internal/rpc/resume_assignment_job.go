package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
)

// ResumeAssignmentJob resumes a job.
func (h *Jobs) ResumeAssignmentJob(ctx context.Context, r *connect.Request[promotionsv1.ResumeAssignmentJobRequest]) (*connect.Response[promotionsv1.AssignmentJob], error) {
	return oneJob(ctx, r.Msg.GetJobId(), h.service.ResumeAssignmentJob)
}
