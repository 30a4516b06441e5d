package sessionredis

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/redis"
)

// Active reports whether a session is active. It reads from the master. It caches the answer until Redis reports a change of
// the session, but for at most cacheTTL. The error is TOKEN_REVOKED with an [authn.ForgedSessionError] if the record is not
// authentic. A store without keys cannot verify records: it accepts every string, so somebody who can write to Redis can
// prolong an ended session until its access token expires.
func (s *Store) Active(ctx context.Context, id uuid.UUID) (bool, error) {
	record, err := s.redis.DoCache(ctx, s.redis.B().Get().Key(sessionKey(id)).Cache(), cacheTTL).ToString()
	switch {
	case rueidis.IsRedisNil(err):
		return false, nil
	case wrongType(err):
		return false, forged(id)
	case err != nil:
		return false, redis.Failure(err)
	}
	if _, ok := s.authentic(id, record); !ok && len(s.keys) > 0 {
		return false, forged(id)
	}
	return true, nil
}

// batchSize is the maximum number of sessions in one command, so that no command blocks Redis for long.
const batchSize = 500

// ActiveMany reports for each session whether it is active. It takes two round trips per batchSize sessions. It reads from a
// replica first. It then reads the sessions that are missing there from the master. Therefore it never reports an active
// session as ended. It may report an ended session as active while the replica lags behind, so callers must repeat the
// check.
func (s *Store) ActiveMany(ctx context.Context, ids []uuid.UUID) ([]bool, error) {
	active := make([]bool, 0, len(ids))
	for batch := range slices.Chunk(ids, batchSize) {
		part, err := s.activeBatch(ctx, batch)
		if err != nil {
			return nil, err
		}
		active = append(active, part...)
	}
	return active, nil
}

func (s *Store) activeBatch(ctx context.Context, ids []uuid.UUID) ([]bool, error) {
	active := make([]bool, len(ids))
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = sessionKey(id)
	}
	// If the replica fails, all sessions are read from the master.
	if records, err := s.redis.Do(ctx, s.redis.B().Mget().Key(keys...).Build()).ToArray(); err == nil {
		for i, record := range records {
			active[i] = !record.IsNil()
		}
	}
	var missing []int
	var commands rueidis.Commands
	for i, found := range active {
		if !found {
			missing = append(missing, i)
			commands = append(commands, s.redis.B().Get().Key(keys[i]).Build())
		}
	}
	for i, reply := range s.redis.DoMulti(ctx, commands...) {
		err := reply.Error()
		if err != nil && !rueidis.IsRedisNil(err) && !wrongType(err) {
			return nil, redis.Failure(err)
		}
		active[missing[i]] = err == nil
	}
	return active, nil
}

// SubscribeEnded calls fn with the id of each session that ends on any replica, one call at a time, until ctx ends. Then it
// returns nil. It misses sessions that end while the connection to Redis is lost; use ActiveMany to find them. It returns an
// error if the client is closed.
func (s *Store) SubscribeEnded(ctx context.Context, fn func(session uuid.UUID)) error {
	delays := backoff.Policy{Initial: 50 * time.Millisecond, Max: time.Second, Jitter: 0.2}.Delays()
	for ctx.Err() == nil {
		err := s.redis.Receive(ctx, s.redis.B().Subscribe().Channel(endedChannel).Build(), func(m rueidis.PubSubMessage) {
			if id, err := uuid.Parse(m.Message); err == nil {
				fn(id)
			}
		})
		if errors.Is(err, rueidis.ErrClosing) {
			return redis.Failure(err)
		}
		_ = delays.Sleep(ctx) // the loop checks ctx
	}
	return nil
}
