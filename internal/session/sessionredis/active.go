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

// Active reports whether a session is active. The answer is the master's, remembered in this process until Redis says
// that the record has changed, and for a few seconds at most.
func (s *Store) Active(ctx context.Context, id uuid.UUID) (bool, error) {
	err := s.redis.DoCache(ctx, s.redis.B().Get().Key(sessionKey(id)).Cache(), cacheTTL).Error()
	if rueidis.IsRedisNil(err) {
		return false, nil
	}
	return err == nil, redis.Failure(err)
}

// batch is how many sessions one command asks about, so that no command keeps Redis busy for long.
const batch = 500

// ActiveMany reports for each of the sessions whether it is active, in a few round trips. It is meant for checks that are
// repeated: a replica may answer, and then may name a session active for as long as it lags behind. None that is active
// is called ended: what a replica does not know, the master is asked.
func (s *Store) ActiveMany(ctx context.Context, ids []uuid.UUID) ([]bool, error) {
	active := make([]bool, 0, len(ids))
	for chunk := range slices.Chunk(ids, batch) {
		part, err := s.activeMany(ctx, chunk)
		if err != nil {
			return nil, err
		}
		active = append(active, part...)
	}
	return active, nil
}

func (s *Store) activeMany(ctx context.Context, ids []uuid.UUID) ([]bool, error) {
	active := make([]bool, len(ids))
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = sessionKey(id)
	}
	if known, err := s.redis.Do(ctx, s.redis.B().Mget().Key(keys...).Build()).ToArray(); err == nil {
		for i, record := range known {
			active[i] = !record.IsNil()
		}
	}
	var doubts []int
	var questions rueidis.Commands
	for i, yes := range active {
		if !yes {
			doubts = append(doubts, i)
			questions = append(questions, s.redis.B().Exists().Key(keys[i]).Build())
		}
	}
	for i, reply := range s.redis.DoMulti(ctx, questions...) {
		n, err := reply.AsInt64()
		if err != nil {
			return nil, redis.Failure(err)
		}
		active[doubts[i]] = n == 1
	}
	return active, nil
}

// Ended calls ended with the id of every session that ends from now on, on whichever replica, until ctx ends; then it
// returns nil. Calls come one after the other. What ends while the connection is lost is not told: whoever must know asks
// ActiveMany from time to time.
func (s *Store) Ended(ctx context.Context, ended func(uuid.UUID)) error {
	delays := backoff.Policy{Initial: 50 * time.Millisecond, Max: time.Second, Jitter: 0.2}.Delays()
	for ctx.Err() == nil {
		err := s.redis.Receive(ctx, s.redis.B().Subscribe().Channel(endedChannel).Build(), func(m rueidis.PubSubMessage) {
			if id, err := uuid.Parse(m.Message); err == nil {
				ended(id)
			}
		})
		if errors.Is(err, rueidis.ErrClosing) {
			return redis.Failure(err)
		}
		_ = delays.Sleep(ctx) // the loop checks ctx
	}
	return nil
}
