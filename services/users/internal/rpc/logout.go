package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
)

// Logout ends the sessions of the presented refresh tokens and clears the cookie. It also clears the cookie if the token in
// it is refused.
func (h *Auth) Logout(
	ctx context.Context, r *connect.Request[usersv1.LogoutRequest],
) (*connect.Response[usersv1.LogoutResponse], error) {
	p := presented(r.Msg.GetRefreshToken(), r.Header())
	if err := p.checkOrigin(ctx, r.Header()); err != nil {
		return nil, err
	}
	if err := h.service.Logout(ctx, p.tokens...); err != nil {
		p.clearRefused(ctx, err)
		return nil, err
	}
	answer := connect.NewResponse(&usersv1.LogoutResponse{})
	answer.Header().Add("Set-Cookie", refreshCookie("", -1))
	return answer, nil
}
