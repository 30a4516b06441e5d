package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// Login starts a session.
func (h *Auth) Login(
	ctx context.Context, r *connect.Request[usersv1.LoginRequest],
) (*connect.Response[usersv1.LoginResponse], error) {
	credentials := users.Credentials{
		Email: r.Msg.GetEmail(), Password: r.Msg.GetPassword(), Code: r.Msg.GetCode(), Device: presentedDevice(r.Header()),
	}
	in := wire.ToRefreshTokenIn(r.Msg.GetRefreshTokenIn())
	tokens, u, err := h.service.Login(ctx, credentials, in, client(ctx, r.Header()))
	if err != nil {
		return nil, err
	}
	answer := connect.NewResponse(&usersv1.LoginResponse{
		AccessToken: tokens.Access.Token, ExpiresAt: fields.Time(tokens.Access.Expires), User: wire.FromUser(u),
	})
	answer.Msg.RefreshToken = giveRefreshToken(tokens, answer.Header())
	return answer, nil
}
