package rpc

import (
	"context"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/fields"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// ListPromotions answers all promotions, newest first.
func (h *Handler) ListPromotions(ctx context.Context, r *connect.Request[promotionsv1.ListPromotionsRequest]) (*connect.Response[promotionsv1.ListPromotionsResponse], error) {
	page, err := pageOf(r.Msg)
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
	if err := read.Err(); err != nil {
		return nil, err
	}
	listed, err := h.service.List(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	next, err := nextPage(r.Msg, listed, func(p promotions.Promotion) uuid.UUID { return p.ID })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ListPromotionsResponse{
		Promotions: wire.FromPromotions(listed.Items), NextPageToken: next, Total: int32(listed.Total),
	}), nil
}

// pageOf reads which page is asked for.
func pageOf(r paging.Request) (promotions.Page, error) {
	page := promotions.Page{Size: paging.Size(r.GetPageSize())}
	position, err := paging.Position(r)
	if err != nil || position == "" {
		return page, err
	}
	if page.Before, err = uuid.Parse(position); err != nil {
		return page, paging.Bad()
	}
	return page, nil
}

// nextPage is the token of the page after listed, if there is one.
func nextPage[T any](r paging.Request, listed promotions.Listed[T], id func(T) uuid.UUID) (string, error) {
	if !listed.More {
		return "", nil
	}
	return paging.Next(r, id(listed.Items[len(listed.Items)-1]).String())
}
