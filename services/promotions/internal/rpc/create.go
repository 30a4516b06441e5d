package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// CreatePromotion creates a promotion.
func (h *Handler) CreatePromotion(ctx context.Context, r *connect.Request[promotionsv1.CreatePromotionRequest]) (*connect.Response[promotionsv1.Promotion], error) {
	p, err := wire.ToPromotion(r.Msg.GetPromotion())
	if err != nil {
		return nil, err
	}
	p, err = h.service.Create(ctx, p)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromPromotion(p)), nil
}
