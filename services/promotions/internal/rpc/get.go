package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
)

// GetPromotion returns a promotion.
func (h *Handler) GetPromotion(ctx context.Context, r *connect.Request[promotionsv1.GetPromotionRequest]) (*connect.Response[promotionsv1.Promotion], error) {
	return one(ctx, r.Msg.GetPromotionId(), h.service.Get)
}
