package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// GetUser returns a user.
func (h *Users) GetUser(
	ctx context.Context, r *connect.Request[usersv1.GetUserRequest],
) (*connect.Response[usersv1.User], error) {
	id, err := rpcserver.ID("user_id", r.Msg.GetUserId())
	if err != nil {
		return nil, err
	}
	u, err := h.service.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromUser(u)), nil
}

// GetMe returns the caller's own profile.
func (h *Users) GetMe(
	ctx context.Context, _ *connect.Request[usersv1.GetMeRequest],
) (*connect.Response[usersv1.User], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	u, err := h.service.Get(ctx, caller)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromUser(u)), nil
}
