package users

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Logout ends the sessions of the refresh tokens. It returns nil if it ended at least one session. Errors:
// TOKEN_MISSING without a token, TOKEN_REVOKED if a session had already ended, and TOKEN_INVALID if every token is malformed
// or unknown. Any other error stops Logout at once.
func (s *Service) Logout(ctx context.Context, refreshTokens ...string) error {
	ended, refused := false, tokenMissing()
	for i, refresh := range refreshTokens {
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
