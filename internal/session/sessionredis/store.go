// Package sessionredis keeps sessions and their refresh tokens in Redis.
//
// Keys, all with a time to live:
//
//	session:<session>               the session as JSON, with a MAC; exists while the session is active
//	session-token:<session>         the hash of the current refresh token; ends with the session
//	session-refresh:<token hash>    "live" for the current token of a session; "rotated" for [session.GracePeriod] after that
//	session-grace:<token hash>      the encrypted pair of the token's rotation; exists for [session.GracePeriod]
//	session-user:<user>             the ids of the user's sessions by expiry (sorted set)
//
// No key outlives the grace period of a used token or the end of a session, so that clients cannot fill Redis with rotations
// or logins. An older token is recognized by its generation; see token.
//
// The previous release reads and writes the same keys, except session-token. A token that it made or rotated last has no
// generation, so it stays "rotated" for as long as it would have been valid.
//
// Redis is not trusted: records and refresh tokens carry MACs, so that somebody who can write to Redis cannot make a
// session, and cannot change the user, the end or another field of one. No right depends on the role in it.
//
// Redis Cluster is not supported, because the scripts use keys of several slots.
package sessionredis

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// cacheTTL is the maximum age of a cached answer. Redis invalidates the cache when a session ends, so cacheTTL matters only
// while the connection hangs.
const cacheTTL = 5 * time.Second

// Store stores sessions in Redis. Its methods are safe for concurrent use. They return DEPENDENCY_UNAVAILABLE if Redis is
// unavailable.
type Store struct {
	redis rueidis.Client
	keys  []Key
}

// NewStore returns a store that uses client. The caller closes the client. The first key authenticates new sessions and
// tokens; the other keys only verify older ones. Without a key, a store can tell whether sessions are active, and end them
// by user.
func NewStore(client rueidis.Client, keys ...Key) *Store { return &Store{redis: client, keys: keys} }

func sessionKey(id uuid.UUID) string { return sessionPrefix + id.String() }
func userKey(id uuid.UUID) string    { return "session-user:" + id.String() }
func refreshKey(t token) string      { return refreshPrefix + t.hash() }
func tokenKey(id uuid.UUID) string   { return tokenPrefix + id.String() }
func graceKey(t token) string        { return "session-grace:" + t.hash() }
func millis(d time.Duration) string  { return strconv.FormatInt(d.Milliseconds(), 10) }

// The prefixes of keys that scripts use, too.
const (
	sessionPrefix = "session:"
	tokenPrefix   = "session-token:"
	refreshPrefix = "session-refresh:"
)

// ttl returns the time to live of a session that is used now. It is not positive after the absolute end of the session.
func ttl(of session.Session) time.Duration { return min(session.TTL, time.Until(of.Ends)) }

// Create starts a session like created. If created has no id, the session gets a new one. Create returns the session with
// its first refresh token. If the user then has more than [session.MaxPerUser] sessions, Create ends the sessions that would
// expire first.
func (s *Store) Create(ctx context.Context, created session.Session) (session.Session, string, error) {
	if created.ID == uuid.Nil {
		id, err := uuid.NewV7()
		if err != nil {
			return session.Session{}, "", err
		}
		created.ID = id
	}
	id := created.ID
	first := generation(0).after()
	stored, err := s.encode(record{created, first})
	if err != nil {
		return session.Session{}, "", err
	}
	t, err := s.newToken(id, first)
	if err != nil {
		return session.Session{}, "", err
	}
	keys := []string{sessionKey(id), refreshKey(t), userKey(created.User), tokenKey(id)}
	err = createScript.Exec(ctx, s.redis, keys, []string{
		stored, id.String(), millis(session.TTL), millis(ttl(created)), strconv.Itoa(session.MaxPerUser), endedChannel, t.hash(),
	}).Error()
	if err != nil {
		return session.Session{}, "", redis.Failure(err)
	}
	return created, t.String(), nil
}

// find returns the session of an authentic refresh token, and whether the token is current, was rotated a short time ago, or
// was rotated earlier. Errors: TOKEN_REVOKED if the session has ended; TOKEN_INVALID if the token is none of these, because
// Redis has lost its rotation.
func (s *Store) find(ctx context.Context, t token) (record, usability, error) {
	// The record is read first: if the token is rotated in between, its key says so.
	replies := s.redis.DoMulti(ctx,
		s.redis.B().Get().Key(sessionKey(t.session)).Build(),
		s.redis.B().Get().Key(refreshKey(t)).Build())
	stored, err := replies[0].ToString()
	switch {
	case rueidis.IsRedisNil(err):
		return record{}, ended, revoked()
	case wrongType(err):
		return record{}, ended, forged(t.session)
	case err != nil:
		return record{}, unknown, redis.Failure(err)
	}
	found, err := s.decode(t.session, stored)
	if err != nil {
		return record{}, ended, err
	}
	state, err := replies[1].ToString()
	switch {
	case wrongType(err):
		return record{}, unknown, invalid().WithCause(&authn.ForgedSessionError{Session: t.session})
	case err != nil && !rueidis.IsRedisNil(err):
		return record{}, unknown, redis.Failure(err)
	case err == nil && state != stateLive:
		return found, inGrace, nil
	case err == nil && (found.Generation == 0 || t.generation() == found.Generation):
		return found, usable, nil
	case t.generation() < found.Generation:
		return found, reused, nil
	}
	return record{}, unknown, invalid()
}

// End ends the session of a refresh token and returns it. The token may already be rotated. Errors: TOKEN_INVALID if the
// token is malformed or not authentic, TOKEN_REVOKED if its session has ended.
func (s *Store) End(ctx context.Context, refresh string) (session.Session, error) {
	t, ok := s.authenticToken(refresh)
	if !ok {
		return session.Session{}, invalid()
	}
	found, _, err := s.find(ctx, t)
	if err != nil {
		return session.Session{}, err
	}
	_, err = s.EndSession(ctx, found.User, found.ID)
	return found.Session, err
}

// EndSession ends a session of a user. It reports whether it ended the session: false means that the session has already
// ended or belongs to another user.
func (s *Store) EndSession(ctx context.Context, user, id uuid.UUID) (bool, error) {
	keys := []string{sessionKey(id), userKey(user)}
	n, err := endScript.Exec(ctx, s.redis, keys, []string{id.String(), endedChannel}).AsInt64()
	return n == 1, redis.Failure(err)
}

// EndAllOf ends every session of a user except one, and returns the number of sessions that it ended. If except is the zero
// UUID, it ends all sessions.
func (s *Store) EndAllOf(ctx context.Context, user, except uuid.UUID) (int, error) {
	args := []string{endedChannel, except.String()}
	n, err := endAllScript.Exec(ctx, s.redis, []string{userKey(user)}, args).AsInt64()
	if err != nil {
		return 0, redis.Failure(err)
	}
	return int(n), nil
}

// OfUser returns the sessions of a user, newest first. It reads from the master. It omits records that are not authentic, or
// belong to another user.
func (s *Store) OfUser(ctx context.Context, user uuid.UUID) ([]session.Session, error) {
	reply, err := listScript.Exec(ctx, s.redis, []string{userKey(user)}, nil).AsStrSlice()
	if err != nil {
		return nil, redis.Failure(err)
	}
	found := make([]session.Session, 0, len(reply)/2)
	for pair := range slices.Chunk(reply, 2) {
		id, err := uuid.Parse(pair[0])
		if err != nil || len(pair) != 2 {
			return nil, malformed(reply)
		}
		one, err := s.decode(id, pair[1])
		switch {
		case apperr.CodeOf(err) == apperr.TokenRevoked:
			continue
		case err != nil:
			return nil, err
		case one.User == user:
			found = append(found, one.Session)
		}
	}
	slices.SortFunc(found, func(a, b session.Session) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return found, nil
}

func invalid() *apperr.Error {
	return apperr.New(apperr.TokenInvalid, "the refresh token is not valid")
}
func wasReused() error {
	return apperr.New(apperr.TokenReused, "the refresh token was used before; log in again")
}
func revoked() *apperr.Error { return apperr.New(apperr.TokenRevoked, "the session has ended") }

// malformed returns the error for an unexpected reply of a script. The error omits the reply, because the reply may contain
// tokens.
func malformed(reply []string) error {
	return fmt.Errorf("sessions: unexpected script reply with %d elements", len(reply))
}
