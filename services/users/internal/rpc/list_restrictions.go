package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// ListRestrictions returns the restrictions of a player.
func (h *Restrictions) ListRestrictions(
	ctx context.Context, r *connect.Request[usersv1.ListRestrictionsRequest],
) (*connect.Response[usersv1.ListRestrictionsResponse], error) {
	player, err := rpcserver.ID("user_id", r.Msg.GetUserId())
	if err != nil {
		return nil, err
	}
	listed, err := h.service.ListRestrictions(ctx, player)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.ListRestrictionsResponse{Restrictions: wire.FromRestrictions(listed)}), nil
}

// ListMyRestrictions returns the restrictions that the caller has set.
func (h *Restrictions) ListMyRestrictions(
	ctx context.Context, _ *connect.Request[usersv1.ListMyRestrictionsRequest],
) (*connect.Response[usersv1.ListMyRestrictionsResponse], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	listed, err := h.service.ListOwnRestrictions(ctx, caller)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.ListMyRestrictionsResponse{Restrictions: wire.FromOwnRestrictions(listed)}), nil
}
