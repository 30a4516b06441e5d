package users

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Logout ends the sessions of the refresh tokens. It returns nil if it ended at least one session. Errors:
// TOKEN_MISSING without a token, TOKEN_REVOKED if a session had already ended, and TOKEN_INVALID if every token is malformed
// or unknown. Any other error stops Logout at once. A call whose client has given up ends the sessions, too, and records it.
func (s *Service) Logout(ctx context.Context, refreshTokens ...string) error {
	ctx, cancel := detach(ctx)
	defer cancel()
	ended, refused := false, tokenMissing()
	for i, refresh := range refreshTokens {
		of, err := s.sessions.End(ctx, refresh)
		switch code := apperr.CodeOf(err); {
		case err == nil:
			ended = true
			s.recordLogout(ctx, of)
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

// recordLogout records the end of a session. It ignores an error of the store: a logout works without the database. The
// security log has the event, too.
func (s *Service) recordLogout(ctx context.Context, of session.Session) {
	if act := audit.From(ctx); act != nil {
		act.Actor, act.Role, act.Session = of.User, of.Role, of.ID
	}
	_ = s.record(ctx, audit.Change{Target: of.User}, nil)
}
