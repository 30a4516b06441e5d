package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
)

// ResumePromotion resumes a paused promotion.
func (h *Handler) ResumePromotion(ctx context.Context, r *connect.Request[promotionsv1.ResumePromotionRequest]) (*connect.Response[promotionsv1.Promotion], error) {
	return one(ctx, r.Msg.GetPromotionId(), h.service.Resume)
}
