package rpc

import (
	"context"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// ListAssignmentJobs returns a page of the jobs of a promotion, newest first.
func (h *Jobs) ListAssignmentJobs(ctx context.Context, r *connect.Request[promotionsv1.ListAssignmentJobsRequest]) (*connect.Response[promotionsv1.ListAssignmentJobsResponse], error) {
	id, err := rpcserver.ID("promotion_id", r.Msg.GetPromotionId())
	if err != nil {
		return nil, err
	}
	page, err := paging.Parse(r.Msg, uuid.Parse)
	if err != nil {
		return nil, err
	}
	listed, err := h.service.ListAssignmentJobs(ctx, id, page)
	if err != nil {
		return nil, err
	}
	next, err := paging.NextToken(r.Msg, listed, func(j promotions.AssignmentJob) string { return j.ID.String() })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ListAssignmentJobsResponse{
		Jobs: wire.FromAssignmentJobs(listed.Items), NextPageToken: next, Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}
