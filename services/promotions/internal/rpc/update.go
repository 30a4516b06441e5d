package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// UpdatePromotion changes the fields of a promotion that the mask names. The interceptors of rpcserver have already set a
// missing mask.
func (h *Handler) UpdatePromotion(ctx context.Context, r *connect.Request[promotionsv1.UpdatePromotionRequest]) (*connect.Response[promotionsv1.Promotion], error) {
	id, err := rpcserver.ID("promotion_id", r.Msg.GetPromotionId())
	if err != nil {
		return nil, err
	}
	p, err := h.service.Update(ctx, id, func(p *promotions.Promotion) error {
		return wire.MaskPromotion(p, r.Msg.GetPromotion(), r.Msg.GetUpdateMask().GetPaths())
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromPromotion(p)), nil
}
