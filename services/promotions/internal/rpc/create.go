package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// CreatePromotion creates a promotion or a draft.
func (h *Handler) CreatePromotion(ctx context.Context, r *connect.Request[promotionsv1.CreatePromotionRequest]) (*connect.Response[promotionsv1.Promotion], error) {
	p, err := wire.ToPromotion(r.Msg.GetPromotion())
	if err != nil {
		return nil, err
	}
	if r.Msg.GetPromotion().GetDraft() {
		if r.Msg.GetPromotion().GetIsActive() {
			return nil, apperr.Invalid("isActive", "promotion.draft", "a draft cannot be active")
		}
		p.IsActive, p.InactiveAs = false, string(promotions.StatusDraft)
	}
	p, err = h.service.Create(ctx, p)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromPromotion(p)), nil
}
