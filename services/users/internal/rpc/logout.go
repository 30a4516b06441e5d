package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
)

// Logout ends the session of the refresh token.
func (h *Auth) Logout(ctx context.Context, r *connect.Request[usersv1.LogoutRequest]) (*connect.Response[usersv1.LogoutResponse], error) {
	if err := h.service.Logout(ctx, presented(r.Msg.GetRefreshToken(), r.Header())); err != nil {
		return nil, err
	}
	answer := connect.NewResponse(&usersv1.LogoutResponse{})
	setCookie(answer.Header(), "", -1)
	return answer, nil
}
