package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
)

// PublishPromotion publishes a draft.
func (h *Handler) PublishPromotion(ctx context.Context, r *connect.Request[promotionsv1.PublishPromotionRequest]) (*connect.Response[promotionsv1.Promotion], error) {
	return one(ctx, r.Msg.GetPromotionId(), h.service.Publish)
}
