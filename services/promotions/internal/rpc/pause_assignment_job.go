package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
)

// PauseAssignmentJob pauses a job.
func (h *Jobs) PauseAssignmentJob(ctx context.Context, r *connect.Request[promotionsv1.PauseAssignmentJobRequest]) (*connect.Response[promotionsv1.AssignmentJob], error) {
	return oneJob(ctx, r.Msg.GetJobId(), h.service.PauseAssignmentJob)
}
