package rpc

import (
	"context"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// ListRefusals returns a page of the refusals of a player, newest first.
func (h *Handler) ListRefusals(
	ctx context.Context, r *connect.Request[promotionsv1.ListRefusalsRequest],
) (*connect.Response[promotionsv1.ListRefusalsResponse], error) {
	listed, next, err := listOf(ctx, r.Msg, "user_id", r.Msg.GetUserId(), h.service.ListRefusals,
		func(r promotions.Refusal) uuid.UUID { return r.ID })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ListRefusalsResponse{
		Refusals: wire.FromRefusals(listed.Items), NextPageToken: next,
		Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}
