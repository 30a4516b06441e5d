package users

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Refresh exchanges a refresh token for a new pair of tokens. A client may present several tokens, for example in
// duplicate cookies: the first usable one is exchanged. If none is usable, the error is the one of [Sessions.Rotate]
// for the token that is closest to usable. The error is TOKEN_MISSING without a token.
func (s *Service) Refresh(ctx context.Context, presented ...string) (Tokens, error) {
	if len(presented) == 0 {
		return Tokens{}, tokenMissing()
	}
	ranked, err := s.sessions.Rank(ctx, presented)
	if err != nil {
		return Tokens{}, err
	}
	var refused error
	for _, refresh := range ranked {
		of, pair, err := s.sessions.Rotate(ctx, refresh, s.renewAccess)
		if err == nil {
			return Tokens{Access: pair.Access, Refresh: pair.Refresh, In: RefreshTokenIn(of.In)}, nil
		}
		if refused == nil {
			refused = err
		}
		if code := apperr.CodeOf(err); code != apperr.TokenInvalid && code != apperr.TokenRevoked {
			return Tokens{}, err
		}
	}
	return Tokens{}, refused
}

// renewAccess issues an access token of a session if its user is active. Otherwise it ends the user's sessions, which a
// deactivation may not have been able to reach, and returns TOKEN_REVOKED.
func (s *Service) renewAccess(ctx context.Context, of session.Session) (session.Access, error) {
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

func tokenMissing() error { return apperr.New(apperr.TokenMissing, "a refresh token is needed") }
