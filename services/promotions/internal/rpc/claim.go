package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Claim pays the caller's assignment of a promotion.
func (h *Handler) Claim(ctx context.Context, r *connect.Request[promotionsv1.ClaimRequest]) (*connect.Response[promotionsv1.ClaimResponse], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	promotion, err := rpcserver.ID("promotion_id", r.Msg.GetPromotionId())
	if err != nil {
		return nil, err
	}
	key, err := rpcserver.IdempotencyKey(r.Header())
	if err != nil {
		return nil, err
	}
	claimed, err := h.service.Claim(ctx, caller, promotion, key)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ClaimResponse{
		Assignment:  wire.FromAssignment(claimed.Assignment),
		Transaction: wire.FromTransaction(claimed.Transaction),
	}), nil
}
