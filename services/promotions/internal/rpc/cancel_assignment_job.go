package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
)

// CancelAssignmentJob ends a job.
func (h *Jobs) CancelAssignmentJob(ctx context.Context, r *connect.Request[promotionsv1.CancelAssignmentJobRequest]) (*connect.Response[promotionsv1.AssignmentJob], error) {
	return oneJob(ctx, r.Msg.GetJobId(), h.service.CancelAssignmentJob)
}
