package rpc

import (
	"context"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// ListPromotions returns a page of promotions, newest first.
func (h *Handler) ListPromotions(ctx context.Context, r *connect.Request[promotionsv1.ListPromotionsRequest]) (*connect.Response[promotionsv1.ListPromotionsResponse], error) {
	page, err := paging.Parse(r.Msg, uuid.Parse)
	if err != nil {
		return nil, err
	}
	var read fields.Reader
	filter := promotions.PromotionFilter{
		Type:      wire.ToPromotionType(r.Msg.GetType()),
		IsActive:  r.Msg.IsActive,
		Available: r.Msg.Available,
		Title:     r.Msg.GetTitle(),
		From:      read.Date("from", r.Msg.GetFrom(), fields.Optional),
		To:        read.Date("to", r.Msg.GetTo(), fields.Optional),
	}
	for _, state := range r.Msg.GetState() {
		filter.States = append(filter.States, wire.ToPromotionState(state))
	}
	if err := read.Err(); err != nil {
		return nil, err
	}
	listed, err := h.service.List(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	next, err := paging.NextToken(r.Msg, listed, func(p promotions.Promotion) string { return p.ID.String() })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ListPromotionsResponse{
		Promotions: wire.FromPromotions(listed.Items), NextPageToken: next,
		Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}
