package session

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/redis"
)

// Issue makes the access token of a session. An error of it ends the rotation before anything has changed.
type Issue func(context.Context, Session) (Access, error)

// Rotate exchanges a refresh token for the next pair of tokens. Calls with the same token within Grace, also at once and
// on other replicas, all get the same pair.
//
// The errors are TOKEN_INVALID (not a refresh token, or nobody remembers it), TOKEN_REVOKED (its session has ended) and
// TOKEN_REUSED (it was exchanged before, and its session has therefore been ended).
func (s *Store) Rotate(ctx context.Context, refresh string, issue Issue) (Session, Pair, error) {
	old, ok := parseToken(refresh)
	if !ok {
		return Session{}, Pair{}, invalid()
	}
	session, err := s.find(ctx, old)
	if err != nil {
		return Session{}, Pair{}, err
	}
	access, err := issue(ctx, session)
	if err != nil {
		return Session{}, Pair{}, err
	}
	pair, err := s.rotate(ctx, session, old, access)
	return session, pair, err
}

// rotate offers a new pair; the script decides whether it becomes the pair, or an earlier one is.
func (s *Store) rotate(ctx context.Context, session Session, old token, access Access) (Pair, error) {
	next := newToken(session.ID)
	pair := Pair{Access: access, Refresh: next.String()}
	sealed, err := old.seal(pair)
	if err != nil {
		return Pair{}, err
	}
	answer, err := rotateScript.Exec(ctx, s.redis,
		[]string{sessionKey(session.ID), refreshKey(old), graceKey(old), refreshKey(next), userKey(session.User)},
		[]string{sealed, session.ID.String(), millis(TTL), millis(Grace), endedChannel}).AsStrSlice()
	if err != nil {
		return Pair{}, redis.Failure(err)
	}
	if len(answer) != 2 {
		return Pair{}, malformed(answer)
	}
	switch answer[0] {
	case "rotated":
		return pair, nil
	case "grace":
		return old.open([]byte(answer[1]))
	case "reused":
		return Pair{}, apperr.New(apperr.TokenReused, "the refresh token was used before; log in again")
	case "ended":
		return Pair{}, revoked()
	case "unknown":
		return Pair{}, invalid()
	}
	return Pair{}, malformed(answer)
}
