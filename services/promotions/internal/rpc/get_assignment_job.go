package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
)

// GetAssignmentJob returns a job.
func (h *Jobs) GetAssignmentJob(ctx context.Context, r *connect.Request[promotionsv1.GetAssignmentJobRequest]) (*connect.Response[promotionsv1.AssignmentJob], error) {
	return oneJob(ctx, r.Msg.GetJobId(), h.service.AssignmentJob)
}
