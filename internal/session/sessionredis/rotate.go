package sessionredis

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Rotate exchanges a refresh token for the next pair of tokens. Calls with the same token within [session.Grace], also at
// once and on other replicas, all get the same pair.
//
// The errors are TOKEN_INVALID (not a refresh token, or nobody remembers it), TOKEN_REVOKED (its session has ended) and
// TOKEN_REUSED (it was exchanged before, and its session has therefore been ended).
func (s *Store) Rotate(ctx context.Context, refresh string, issue session.Issue) (session.Session, session.Pair, error) {
	old, ok := parseToken(refresh)
	if !ok {
		return session.Session{}, session.Pair{}, invalid()
	}
	of, err := s.find(ctx, old)
	if err != nil {
		return session.Session{}, session.Pair{}, err
	}
	access, err := issue(ctx, of)
	if err != nil {
		return session.Session{}, session.Pair{}, err
	}
	pair, err := s.rotate(ctx, of, old, access)
	return of, pair, err
}

// rotate offers a new pair; the script decides whether it becomes the pair, or an earlier one is.
func (s *Store) rotate(ctx context.Context, of session.Session, old token, access session.Access) (session.Pair, error) {
	next := newToken(of.ID)
	pair := session.Pair{Access: access, Refresh: next.String()}
	sealed, err := old.seal(pair)
	if err != nil {
		return session.Pair{}, err
	}
	answer, err := rotateScript.Exec(ctx, s.redis,
		[]string{sessionKey(of.ID), refreshKey(old), graceKey(old), refreshKey(next), userKey(of.User)},
		[]string{sealed, of.ID.String(), millis(session.TTL), millis(session.Grace), endedChannel}).AsStrSlice()
	if err != nil {
		return session.Pair{}, redis.Failure(err)
	}
	if len(answer) != 2 {
		return session.Pair{}, malformed(answer)
	}
	switch answer[0] {
	case "rotated":
		return pair, nil
	case "grace":
		return old.open([]byte(answer[1]))
	case "reused":
		return session.Pair{}, apperr.New(apperr.TokenReused, "the refresh token was used before; log in again")
	case "ended":
		return session.Pair{}, revoked()
	case "unknown":
		return session.Pair{}, invalid()
	}
	return session.Pair{}, malformed(answer)
}
