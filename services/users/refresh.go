package users

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Refresh exchanges a refresh token for a new pair of tokens; see [Sessions] for what it refuses. TOKEN_MISSING for none.
func (s *Service) Refresh(ctx context.Context, refresh string) (Tokens, error) {
	if refresh == "" {
		return Tokens{}, missing()
	}
	of, pair, err := s.sessions.Rotate(ctx, refresh, s.accessAnew)
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{Access: pair.Access, Refresh: pair.Refresh, In: RefreshTokenIn(of.In)}, nil
}

// accessAnew makes an access token of a session for as long as its user is active. A session that outlived its user's
// deactivation, because whoever deactivated could not reach the sessions, ends here at the latest.
func (s *Service) accessAnew(ctx context.Context, of session.Session) (session.Access, error) {
	u, err := s.store.User(ctx, of.User)
	if err != nil && apperr.CodeOf(err) != apperr.NotFound {
		return session.Access{}, err
	}
	if err != nil || !u.IsActive {
		if _, err := s.sessions.EndAllOf(ctx, of.User); err != nil {
			return session.Access{}, err
		}
		return session.Access{}, apperr.New(apperr.TokenRevoked, "the session has ended")
	}
	return s.access(of, u)
}

func missing() error { return apperr.New(apperr.TokenMissing, "a refresh token is needed") }
