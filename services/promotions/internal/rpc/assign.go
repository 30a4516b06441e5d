package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Assign assigns a promotion to players and records the caller as the assigning employee.
func (h *Handler) Assign(ctx context.Context, r *connect.Request[promotionsv1.AssignRequest]) (*connect.Response[promotionsv1.AssignResponse], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	promotion, err := rpcserver.ID("promotion_id", r.Msg.GetPromotionId())
	if err != nil {
		return nil, err
	}
	players, err := rpcserver.IDs("player_ids", r.Msg.GetPlayerIds())
	if err != nil {
		return nil, err
	}
	results, err := h.service.Assign(ctx, promotion, players, caller, r.Msg.GetReassign())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromAssignResults(results)), nil
}
