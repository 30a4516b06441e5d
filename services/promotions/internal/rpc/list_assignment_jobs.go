package rpc

import (
	"context"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// ListAssignmentJobs returns a page of the jobs of a promotion, newest first.
func (h *Jobs) ListAssignmentJobs(ctx context.Context, r *connect.Request[promotionsv1.ListAssignmentJobsRequest]) (*connect.Response[promotionsv1.ListAssignmentJobsResponse], error) {
	listed, next, err := listOf(ctx, r.Msg, "promotion_id", r.Msg.GetPromotionId(), h.service.ListAssignmentJobs,
		func(j promotions.AssignmentJob) uuid.UUID { return j.ID })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ListAssignmentJobsResponse{
		Jobs: wire.FromAssignmentJobs(listed.Items), NextPageToken: next,
		Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}
