package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// RevokeAssignments revokes the unclaimed assignments of a promotion to players.
func (h *Handler) RevokeAssignments(
	ctx context.Context, r *connect.Request[promotionsv1.RevokeAssignmentsRequest],
) (*connect.Response[promotionsv1.RevokeAssignmentsResponse], error) {
	promotion, err := rpcserver.ID("promotion_id", r.Msg.GetPromotionId())
	if err != nil {
		return nil, err
	}
	players, err := rpcserver.IDs("player_ids", r.Msg.GetPlayerIds())
	if err != nil {
		return nil, err
	}
	results, err := h.service.Revoke(ctx, promotion, players)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromRevokeResults(results)), nil
}
