package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
)

// Refresh exchanges the refresh token for a new pair of tokens.
func (h *Auth) Refresh(ctx context.Context, r *connect.Request[usersv1.RefreshRequest]) (*connect.Response[usersv1.RefreshResponse], error) {
	tokens, err := h.service.Refresh(ctx, presented(r.Msg.GetRefreshToken(), r.Header()))
	if err != nil {
		return nil, err
	}
	answer := connect.NewResponse(&usersv1.RefreshResponse{
		AccessToken: tokens.Access.Token, ExpiresAt: fields.Time(tokens.Access.Expires),
	})
	answer.Msg.RefreshToken = hand(tokens, answer.Header())
	return answer, nil
}
