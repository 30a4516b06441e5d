// Package rpctest provides the fake authenticator of tests that send requests to RPCs.
package rpctest

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
)

// Tokens is an authenticator with one user per role, given by the user's id. The access token of a user is the lower-case
// name of the role, such as "player". The id of the token's session is the user's id.
type Tokens map[authn.Role]string

// Authenticate implements rpcserver.Authenticator. It returns TOKEN_INVALID for an unknown token.
func (t Tokens) Authenticate(_ context.Context, token string) (authn.Caller, error) {
	for role, id := range t {
		if token == strings.ToLower(string(role)) {
			return authn.Caller{UserID: uuid.MustParse(id), Role: role, Session: uuid.MustParse(id)}, nil
		}
	}
	return authn.Caller{}, apperr.New(apperr.TokenInvalid, "the access token is invalid")
}
