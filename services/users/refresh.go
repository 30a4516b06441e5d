package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Refresh exchanges a refresh token for a new pair of tokens. A client may present several tokens, for example in duplicate
// cookies. Refresh tries them in the order of [Sessions.Rank] and exchanges the first usable token.
//
// The error is TOKEN_MISSING without a token. If every token is invalid or revoked, Refresh returns the error of
// [Sessions.Rotate] for the first token in the order of [Sessions.Rank]. Any other error stops Refresh at once, such as
// RATE_LIMITED after too many refreshes of a session. It does not end the session.
func (s *Service) Refresh(ctx context.Context, from Client, refreshTokens ...string) (Tokens, error) {
	if len(refreshTokens) == 0 {
		return Tokens{}, tokenMissing()
	}
	ranked, err := s.sessions.Rank(ctx, refreshTokens)
	if err != nil {
		return Tokens{}, err
	}
	// A rotation and the end of a session must not depend on the client's patience, and must be recorded.
	ctx, cancel := detach(ctx)
	defer cancel()
	var refused error
	for _, refresh := range ranked {
		of, pair, err := s.sessions.Rotate(ctx, refresh, from, s.renewAccess)
		if err == nil {
			return Tokens{Access: pair.Access, Refresh: pair.Refresh, In: RefreshTokenIn(of.In)}, nil
		}
		if apperr.CodeOf(err) == apperr.TokenReused {
			s.recordReuse(ctx, of, err)
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

// recordReuse records that the reuse of a refresh token has ended a session. It ignores an error of the store, because the
// session has ended in any case; the security log has the event, too.
func (s *Service) recordReuse(ctx context.Context, of session.Session, failure error) {
	if act := audit.From(ctx); act != nil {
		act.Session = of.ID
	}
	_ = s.record(ctx, audit.Change{Target: of.User}, failure)
}

// renewAccess issues an access token of a session if the user is active and the sessions of the user have not been ended
// since the last refresh. Otherwise it ends the session, or all sessions of a deactivated user, and returns TOKEN_REVOKED.
// The error is RATE_LIMITED after too many calls for the session.
// Such a session is left over if the session store could not be reached, or if somebody has restored it there.
func (s *Service) renewAccess(ctx context.Context, of *session.Session) (session.Access, error) {
	err := s.limiter.Allow(ctx, "refresh:"+of.ID.String(), s.limits.RefreshPerSession)
	if s.limited(LimitRefreshPerSession, err) != nil {
		return session.Access{}, err
	}
	u, err := s.store.User(ctx, of.User)
	if err != nil && apperr.CodeOf(err) != apperr.NotFound {
		return session.Access{}, err
	}
	if err != nil || !u.IsActive {
		if _, err := s.sessions.EndAllOf(ctx, of.User, uuid.Nil); err != nil {
			return session.Access{}, err
		}
		return session.Access{}, sessionEnded()
	}
	if of.UserVersion != u.SessionVersion() && of.ID != u.KeptSession {
		if _, err := s.sessions.EndSession(ctx, of.User, of.ID); err != nil {
			return session.Access{}, err
		}
		return session.Access{}, sessionEnded()
	}
	of.UserVersion = u.SessionVersion()
	return s.access(ctx, *of, u)
}

func sessionEnded() error { return apperr.New(apperr.TokenRevoked, "the session has ended") }

func tokenMissing() error { return apperr.New(apperr.TokenMissing, "a refresh token is needed") }
