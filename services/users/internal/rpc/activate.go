package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// ActivateUser activates a user.
func (h *Users) ActivateUser(
	ctx context.Context, r *connect.Request[usersv1.ActivateUserRequest],
) (*connect.Response[usersv1.User], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	id, err := rpcserver.ID("user_id", r.Msg.GetUserId())
	if err != nil {
		return nil, err
	}
	u, err := h.service.Activate(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromUser(u)), nil
}
