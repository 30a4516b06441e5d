package rpc

import (
	"bytes"
	"context"
	"io"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// UploadAssignmentJob creates a job for the players whom an upload names. Over REST, the upload is read as it arrives.
func (h *Jobs) UploadAssignmentJob(ctx context.Context, r *connect.Request[promotionsv1.UploadAssignmentJobRequest]) (*connect.Response[promotionsv1.AssignmentJob], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	promotion, err := rpcserver.ID("promotion_id", r.Msg.GetPromotionId())
	if err != nil {
		return nil, err
	}
	var lines io.Reader = bytes.NewReader(r.Msg.GetCsv())
	if upload := rpcserver.Upload(ctx); upload != nil {
		lines = upload
	}
	j, err := h.service.UploadAssignmentJob(ctx, promotions.NewJob{
		Promotion: promotion, DryRun: r.Msg.GetDryRun(), Reassign: r.Msg.GetReassign(), By: caller,
	}, lines)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromAssignmentJob(j)), nil
}
