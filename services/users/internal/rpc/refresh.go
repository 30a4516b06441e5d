package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
)

// Refresh exchanges a refresh token for a new pair of tokens. It clears the cookie if the token in it is refused.
func (h *Auth) Refresh(
	ctx context.Context, r *connect.Request[usersv1.RefreshRequest],
) (*connect.Response[usersv1.RefreshResponse], error) {
	p := presented(r.Msg.GetRefreshToken(), r.Header())
	if err := p.checkOrigin(ctx, r.Header()); err != nil {
		return nil, err
	}
	tokens, err := h.service.Refresh(ctx, client(ctx, r.Header()), p.tokens...)
	if err != nil {
		p.clearRefused(ctx, err)
		return nil, err
	}
	answer := connect.NewResponse(&usersv1.RefreshResponse{
		AccessToken: tokens.Access.Token, ExpiresAt: fields.Time(tokens.Access.Expires),
	})
	answer.Msg.RefreshToken = giveRefreshToken(tokens, answer.Header())
	return answer, nil
}
