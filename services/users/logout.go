package users

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Logout ends the sessions of the presented refresh tokens. It succeeds if one of them ended. Otherwise the error is
// TOKEN_MISSING without a token, TOKEN_REVOKED if a session has already ended, and TOKEN_INVALID if no token is known.
func (s *Service) Logout(ctx context.Context, presented ...string) error {
	ended, refused := false, tokenMissing()
	for i, refresh := range presented {
		err := s.sessions.End(ctx, refresh)
		switch code := apperr.CodeOf(err); {
		case err == nil:
			ended = true
		case code != apperr.TokenInvalid && code != apperr.TokenRevoked:
			return err
		case i == 0 || code == apperr.TokenRevoked:
			refused = err
		}
	}
	if ended {
		return nil
	}
	return refused
}
