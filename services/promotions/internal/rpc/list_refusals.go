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

// ListRefusals returns a page of the refusals of a player, newest first.
func (h *Handler) ListRefusals(
	ctx context.Context, r *connect.Request[promotionsv1.ListRefusalsRequest],
) (*connect.Response[promotionsv1.ListRefusalsResponse], error) {
	player, err := rpcserver.ID("user_id", r.Msg.GetUserId())
	if err != nil {
		return nil, err
	}
	page, err := paging.Parse(r.Msg, uuid.Parse)
	if err != nil {
		return nil, err
	}
	listed, err := h.service.ListRefusals(ctx, player, page)
	if err != nil {
		return nil, err
	}
	next, err := paging.NextToken(r.Msg, listed, func(r promotions.Refusal) string { return r.ID.String() })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ListRefusalsResponse{
		Refusals: wire.FromRefusals(listed.Items), NextPageToken: next,
		Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}
