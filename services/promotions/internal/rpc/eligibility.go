package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// CheckEligibility evaluates the rules of a claim without a claim.
func (h *Handler) CheckEligibility(ctx context.Context, r *connect.Request[promotionsv1.CheckEligibilityRequest]) (*connect.Response[promotionsv1.Eligibility], error) {
	promotion, err := rpcserver.ID("promotion_id", r.Msg.GetPromotionId())
	if err != nil {
		return nil, err
	}
	player, err := rpcserver.ID("player_id", r.Msg.GetPlayerId())
	if err != nil {
		return nil, err
	}
	caller, _ := authn.From(ctx) // authenticated by the interceptors
	e, err := h.service.Eligibility(ctx, promotion, player, caller.Role == authn.RolePlayer)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromEligibility(e)), nil
}
