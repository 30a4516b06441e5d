package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// RegisterStaff creates a staff member.
func (h *Auth) RegisterStaff(
	ctx context.Context, r *connect.Request[usersv1.RegisterStaffRequest],
) (*connect.Response[usersv1.User], error) {
	u, err := h.service.RegisterStaff(ctx, r.Msg.GetEmail(), r.Msg.GetPassword(), rpcserver.ClientAddr(ctx))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromUser(u)), nil
}
