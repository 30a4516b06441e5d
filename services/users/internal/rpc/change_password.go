package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users"
)

// ChangeMyPassword sets a new password of the caller and ends the caller's other sessions.
func (h *Users) ChangeMyPassword(
	ctx context.Context, r *connect.Request[usersv1.ChangeMyPasswordRequest],
) (*connect.Response[usersv1.ChangeMyPasswordResponse], error) {
	caller, session, err := rpcserver.CallerSession(ctx)
	if err != nil {
		return nil, err
	}
	err = h.service.ChangePassword(ctx, users.PasswordChange{
		User: caller, Session: session, Current: r.Msg.GetCurrentPassword(), New: r.Msg.GetNewPassword(),
		From: rpcserver.ClientAddr(ctx),
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.ChangeMyPasswordResponse{}), nil
}
