package rpc

import (
	"context"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// ListPlayerPromotions returns a page of a player's assignments, newest first.
func (h *Handler) ListPlayerPromotions(ctx context.Context, r *connect.Request[promotionsv1.ListPlayerPromotionsRequest]) (*connect.Response[promotionsv1.ListPlayerPromotionsResponse], error) {
	player, err := rpcserver.ID("player_id", r.Msg.GetPlayerId())
	if err != nil {
		return nil, err
	}
	caller, _ := authn.From(ctx) // authenticated by the interceptors
	page, err := paging.Parse(r.Msg, uuid.Parse)
	if err != nil {
		return nil, err
	}
	var states []promotions.AssignmentState
	for _, state := range r.Msg.GetState() {
		states = append(states, wire.ToAssignmentState(state))
	}
	listed, err := h.service.ListAssignments(ctx, player, promotions.AssignmentFilter{
		Claimed:   r.Msg.Claimed,
		Type:      wire.ToPromotionType(r.Msg.GetType()),
		Available: r.Msg.Available,
		States:    states,
		Own:       caller.Role == authn.RolePlayer,
	}, page)
	if err != nil {
		return nil, err
	}
	next, err := paging.NextToken(r.Msg, listed, func(a promotions.Assignment) string { return a.ID.String() })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ListPlayerPromotionsResponse{
		Assignments: wire.FromAssignments(listed.Items), NextPageToken: next,
		Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}
