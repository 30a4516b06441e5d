// Package sessionredis keeps sessions and their refresh tokens in Redis.
//
// Keys, all with a time to live:
//
//	session:<session>               who the session belongs to; exists while the session is active
//	session-refresh:<token hash>    "live" or "rotated"; outlives its session, so that an ended one is told from none
//	session-grace:<token hash>      the pair that the token was exchanged for, sealed; lives for [session.Grace]
//	session-user:<user>             the user's sessions by when they run out (sorted set)
//
// The scripts compute no key of another master, but touch several: Redis Cluster is not supported.
package sessionredis

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/redis"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// cacheTTL bounds how long a session is believed active without asking Redis, which pushes its end to us: it matters only
// where the connection hangs and no push arrives.
const cacheTTL = 5 * time.Second

// Store keeps sessions. Its methods are safe for concurrent use; where Redis is away they fail with
// DEPENDENCY_UNAVAILABLE.
type Store struct {
	redis rueidis.Client
}

// NewStore returns a store over a client, which stays the caller's to close.
func NewStore(client rueidis.Client) *Store { return &Store{redis: client} }

func sessionKey(id uuid.UUID) string { return sessionPrefix + id.String() }
func userKey(id uuid.UUID) string    { return "session-user:" + id.String() }
func refreshKey(t token) string      { return "session-refresh:" + t.hash() }
func graceKey(t token) string        { return "session-grace:" + t.hash() }
func millis(d time.Duration) string  { return strconv.FormatInt(d.Milliseconds(), 10) }

const sessionPrefix = "session:"

// Create begins a session and returns it with its first refresh token. Beyond [session.MaxPerUser] the user's session that
// was not refreshed for the longest time ends.
func (s *Store) Create(ctx context.Context, user uuid.UUID, role authn.Role, in session.In) (session.Session, string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return session.Session{}, "", err
	}
	begun := session.Session{ID: id, User: user, Role: role, In: in}
	record, err := encode(begun)
	if err != nil {
		return session.Session{}, "", err
	}
	t := newToken(id)
	keys := []string{sessionKey(id), refreshKey(t), userKey(user)}
	err = createScript.Exec(ctx, s.redis, keys, []string{
		record, id.String(), millis(session.TTL), strconv.Itoa(session.MaxPerUser), sessionPrefix, endedChannel,
	}).Error()
	if err != nil {
		return session.Session{}, "", redis.Failure(err)
	}
	return begun, t.String(), nil
}

func (s *Store) find(ctx context.Context, t token) (session.Session, error) {
	replies := s.redis.DoMulti(ctx,
		s.redis.B().Get().Key(refreshKey(t)).Build(),
		s.redis.B().Get().Key(sessionKey(t.session)).Build())
	switch err := replies[0].Error(); {
	case rueidis.IsRedisNil(err):
		return session.Session{}, invalid()
	case err != nil:
		return session.Session{}, redis.Failure(err)
	}
	record, err := replies[1].AsBytes()
	switch {
	case rueidis.IsRedisNil(err):
		return session.Session{}, revoked()
	case err != nil:
		return session.Session{}, redis.Failure(err)
	}
	return decode(t.session, record)
}

// End ends the session of a refresh token; any token of the family will do. A token that nobody remembers is
// TOKEN_INVALID, one whose session has ended already is TOKEN_REVOKED.
func (s *Store) End(ctx context.Context, refresh string) error {
	t, ok := parseToken(refresh)
	if !ok {
		return invalid()
	}
	of, err := s.find(ctx, t)
	if err != nil {
		return err
	}
	return s.EndSession(ctx, of)
}

// EndSession ends a session. Ending it again is harmless.
func (s *Store) EndSession(ctx context.Context, of session.Session) error {
	keys := []string{sessionKey(of.ID), userKey(of.User)}
	err := endScript.Exec(ctx, s.redis, keys, []string{of.ID.String(), endedChannel}).Error()
	return redis.Failure(err)
}

// EndAllOf ends every session of a user, however many there are, and returns how many did end.
func (s *Store) EndAllOf(ctx context.Context, user uuid.UUID) (int, error) {
	n, err := endAllScript.Exec(ctx, s.redis, []string{userKey(user)}, []string{sessionPrefix, endedChannel}).AsInt64()
	if err != nil {
		return 0, redis.Failure(err)
	}
	return int(n), nil
}

func invalid() error { return apperr.New(apperr.TokenInvalid, "the refresh token is not known") }
func revoked() error { return apperr.New(apperr.TokenRevoked, "the session has ended") }

// malformed is an answer of a script that it cannot give.
func malformed(answer []string) error {
	return fmt.Errorf("session: the script answered %d parts of an unknown kind", len(answer))
}

func encode(s session.Session) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

func decode(id uuid.UUID, record []byte) (session.Session, error) {
	s := session.Session{ID: id}
	if err := json.Unmarshal(record, &s); err != nil {
		return session.Session{}, fmt.Errorf("the record of session %s: %w", id, err)
	}
	return s, nil
}
