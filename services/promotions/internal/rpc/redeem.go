package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Redeem assigns the promotion with a code to the caller.
func (h *Handler) Redeem(ctx context.Context, r *connect.Request[promotionsv1.RedeemRequest]) (*connect.Response[promotionsv1.Assignment], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	redeemed, err := h.service.Redeem(ctx, caller, r.Msg.GetCode())
	if err != nil {
		return nil, err
	}
	if !redeemed.Created {
		rpcserver.AnswerExisting(ctx)
	}
	return connect.NewResponse(wire.FromAssignment(redeemed.Assignment)), nil
}
