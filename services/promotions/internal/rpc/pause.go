package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
)

// PausePromotion pauses a published promotion.
func (h *Handler) PausePromotion(ctx context.Context, r *connect.Request[promotionsv1.PausePromotionRequest]) (*connect.Response[promotionsv1.Promotion], error) {
	return one(ctx, r.Msg.GetPromotionId(), h.service.Pause)
}
