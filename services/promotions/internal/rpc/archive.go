package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
)

// ArchivePromotion archives a promotion for good.
func (h *Handler) ArchivePromotion(ctx context.Context, r *connect.Request[promotionsv1.ArchivePromotionRequest]) (*connect.Response[promotionsv1.Promotion], error) {
	return one(ctx, r.Msg.GetPromotionId(), h.service.Archive)
}
