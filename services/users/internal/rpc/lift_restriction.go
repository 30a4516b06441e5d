package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// LiftRestriction lifts the restrictions of a kind of a player.
func (h *Restrictions) LiftRestriction(
	ctx context.Context, r *connect.Request[usersv1.LiftRestrictionRequest],
) (*connect.Response[usersv1.LiftRestrictionResponse], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	player, err := rpcserver.ID("user_id", r.Msg.GetUserId())
	if err != nil {
		return nil, err
	}
	if err := h.service.LiftRestriction(ctx, caller, player, wire.ToRestrictionKind(r.Msg.GetKind())); err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.LiftRestrictionResponse{}), nil
}

// LiftMyRestriction lifts a restriction that the caller has set.
func (h *Restrictions) LiftMyRestriction(
	ctx context.Context, r *connect.Request[usersv1.LiftMyRestrictionRequest],
) (*connect.Response[usersv1.LiftMyRestrictionResponse], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.service.LiftOwnRestriction(ctx, caller, wire.ToRestrictionKind(r.Msg.GetKind())); err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.LiftMyRestrictionResponse{}), nil
}
