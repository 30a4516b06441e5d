package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// PublishPromotion publishes a draft.
func (h *Handler) PublishPromotion(ctx context.Context, r *connect.Request[promotionsv1.PublishPromotionRequest]) (*connect.Response[promotionsv1.Promotion], error) {
	id, err := rpcserver.ID("promotion_id", r.Msg.GetPromotionId())
	if err != nil {
		return nil, err
	}
	p, err := h.service.Publish(ctx, id)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromPromotion(p)), nil
}
