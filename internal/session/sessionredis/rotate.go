package sessionredis

import (
	"context"
	"time"

	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Rotate exchanges a refresh token for the next pair of tokens, and stores from as the client of the session. All calls with
// the same token within [session.GracePeriod] return the same pair, even concurrent calls on different replicas. Rotate
// calls issue unless it already knows that the token was used.
//
// Errors: TOKEN_INVALID if the token is malformed or not authentic, TOKEN_REVOKED if its session has ended, and TOKEN_REUSED
// if it was rotated and its grace period has passed. In the last case, Rotate also ends the session. An error of issue is
// returned unchanged.
func (s *Store) Rotate(
	ctx context.Context, refresh string, from session.Client, issue session.Issue,
) (session.Session, session.Pair, error) {
	old, ok := s.authenticToken(refresh)
	if !ok {
		return session.Session{}, session.Pair{}, invalid()
	}
	found, state, err := s.find(ctx, old)
	if err != nil {
		return session.Session{}, session.Pair{}, err
	}
	// For a used token, issue is not called: its limits must not delay the end of the session, and are not for repetitions.
	if state == inGrace {
		pair, ok, err := s.repeat(ctx, old)
		if err != nil || ok {
			return found.Session, pair, err
		}
		state = reused
	}
	if state == reused {
		return found.Session, session.Pair{}, s.endReused(ctx, found)
	}
	access, err := issue(ctx, &found.Session)
	if err != nil {
		return session.Session{}, session.Pair{}, err
	}
	found.LastUsedAt, found.Client = time.Now().UTC().Truncate(time.Microsecond), from
	pair, err := s.rotate(ctx, found, old, access)
	return found.Session, pair, err
}

// repeat returns the pair of the rotation of a token. It returns false after the grace period.
func (s *Store) repeat(ctx context.Context, old token) (session.Pair, bool, error) {
	sealed, err := s.redis.Do(ctx, s.redis.B().Get().Key(graceKey(old)).Build()).AsBytes()
	switch {
	case rueidis.IsRedisNil(err) || wrongType(err):
		return session.Pair{}, false, nil
	case err != nil:
		return session.Pair{}, false, redis.Failure(err)
	}
	pair, err := old.open(sealed)
	return pair, err == nil, err
}

// endReused ends a session whose rotated token was used again. The error is TOKEN_REUSED, or TOKEN_REVOKED if the session
// has ended in the meantime.
func (s *Store) endReused(ctx context.Context, found record) error {
	done, err := s.EndSession(ctx, found.User, found.ID)
	switch {
	case err != nil:
		return err
	case !done:
		return revoked()
	}
	return wasReused()
}

// rotate returns a new pair, or the pair of an earlier rotation of old. The script chooses between the two atomically.
func (s *Store) rotate(
	ctx context.Context, found record, old token, access session.Access,
) (session.Pair, error) {
	kept := session.GracePeriod // how long Redis keeps that old was rotated
	if found.Generation == 0 {
		kept = session.TTL // old may have no generation
	}
	found.Generation = found.Generation.after()
	next, err := s.newToken(found.ID, found.Generation)
	if err != nil {
		return session.Pair{}, err
	}
	pair := session.Pair{Access: access, Refresh: next.String()}
	left := ttl(found.Session)
	if left <= 0 {
		return session.Pair{}, revoked()
	}
	sealed, err := old.seal(pair)
	if err != nil {
		return session.Pair{}, err
	}
	stored, err := s.encode(found)
	if err != nil {
		return session.Pair{}, err
	}
	reply, err := rotateScript.Exec(ctx, s.redis,
		[]string{
			sessionKey(found.ID), refreshKey(old), graceKey(old), refreshKey(next), userKey(found.User), tokenKey(found.ID),
		},
		[]string{
			sealed, found.ID.String(), millis(session.TTL), millis(left), millis(session.GracePeriod), endedChannel, stored,
			next.hash(), millis(kept),
		}).AsStrSlice()
	if err != nil {
		return session.Pair{}, redis.Failure(err)
	}
	if len(reply) != 2 {
		return session.Pair{}, malformed(reply)
	}
	switch reply[0] {
	case "rotated":
		return pair, nil
	case "grace":
		return old.open([]byte(reply[1]))
	case "reused":
		return session.Pair{}, wasReused()
	case "ended":
		return session.Pair{}, revoked()
	case "unknown":
		return session.Pair{}, invalid()
	}
	return session.Pair{}, malformed(reply)
}
