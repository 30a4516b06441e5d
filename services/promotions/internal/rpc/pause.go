package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// PausePromotion pauses a published promotion, which can then not be assigned or claimed.
func (h *Handler) PausePromotion(ctx context.Context, r *connect.Request[promotionsv1.PausePromotionRequest]) (*connect.Response[promotionsv1.Promotion], error) {
	id, err := rpcserver.ID("promotion_id", r.Msg.GetPromotionId())
	if err != nil {
		return nil, err
	}
	p, err := h.service.Pause(ctx, id)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromPromotion(p)), nil
}
