// Package ratelimitredis enforces rate limits across all replicas, with counters in Redis.
package ratelimitredis

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/internal/redis"
)

// Limiter counts events in Redis. Its methods are safe for concurrent use.
//
// Without Redis every method fails with DEPENDENCY_UNAVAILABLE. An outage of Redis must not allow unlimited guesses of
// passwords, and a login needs Redis for its session anyway.
type Limiter struct {
	redis rueidis.Client
}

// New returns a limiter over a client. The caller closes the client.
func New(client rueidis.Client) *Limiter { return &Limiter{redis: client} }

// Allow counts one event of key. If the limit is exhausted, Allow does not count the event and returns RATE_LIMITED with the
// time to wait.
func (l *Limiter) Allow(ctx context.Context, key string, limit ratelimit.Limit) error {
	return l.allow(ctx, []string{redisKey(key)}, limit)
}

// AllowShare is like Allow, and also counts the event for client, so that RefundShare and ClearShare can undo it.
func (l *Limiter) AllowShare(ctx context.Context, key, client string, limit ratelimit.Limit) error {
	return l.allow(ctx, []string{redisKey(key), shareKey(key, client)}, limit)
}

func (l *Limiter) allow(ctx context.Context, keys []string, limit ratelimit.Limit) error {
	if limit == (ratelimit.Limit{}) {
		return nil
	}
	args := []string{micros(limit.Interval()), micros(burstDuration(limit))}
	wait, err := allowScript.Exec(ctx, l.redis, keys, args).AsInt64()
	if err != nil {
		return redis.Failure(err)
	}
	if wait > 0 {
		limited := apperr.New(apperr.RateLimited, "too many attempts")
		limited.RetryAfter = time.Duration(wait) * time.Microsecond
		return limited
	}
	return nil
}

// Refund undoes one Allow of key. It does nothing if no event is counted.
func (l *Limiter) Refund(ctx context.Context, key string, limit ratelimit.Limit) error {
	return l.refund(ctx, []string{redisKey(key)}, limit, limit.Interval())
}

// RefundShare undoes one AllowShare of key by client. It does nothing if no event of the client is counted, for example
// after ClearShare. It never refunds the events of other clients.
func (l *Limiter) RefundShare(ctx context.Context, key, client string, limit ratelimit.Limit) error {
	return l.refund(ctx, []string{redisKey(key), shareKey(key, client)}, limit, limit.Interval())
}

// ClearShare undoes every AllowShare of key by client. The events of other clients stay counted.
func (l *Limiter) ClearShare(ctx context.Context, key, client string, limit ratelimit.Limit) error {
	return l.refund(ctx, []string{redisKey(key), shareKey(key, client)}, limit, burstDuration(limit))
}

// Remember records for ttl that client is known for key since a version.
func (l *Limiter) Remember(ctx context.Context, key, client string, version int64, ttl time.Duration) error {
	set := l.redis.B().Set().Key(knownKey(key, client)).Value(strconv.FormatInt(version, 10)).Px(ttl).Build()
	return redis.Failure(l.redis.Do(ctx, set).Error())
}

// Remembers reports whether client is known for key, and since which version. A version that is not a number is -1.
func (l *Limiter) Remembers(ctx context.Context, key, client string) (version int64, known bool, err error) {
	text, err := l.redis.Do(ctx, l.redis.B().Get().Key(knownKey(key, client)).Build()).ToString()
	if rueidis.IsRedisNil(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, redis.Failure(err)
	}
	if version, err = strconv.ParseInt(text, 10, 64); err != nil {
		version = -1
	}
	return version, true, nil
}

// knownKey is the key of the record that client is known for key.
func knownKey(key, client string) string { return "known:" + key + ":" + client }

// refund takes up to maxRefund off the counters of keys. One event adds limit.Interval() to a counter.
func (l *Limiter) refund(ctx context.Context, keys []string, limit ratelimit.Limit, maxRefund time.Duration) error {
	if limit == (ratelimit.Limit{}) {
		return nil
	}
	return redis.Failure(refundScript.Exec(ctx, l.redis, keys, []string{micros(maxRefund)}).Error())
}

func redisKey(key string) string { return "limit:" + key }

// shareKey is the key of a client's share. In Redis Cluster its hash tag keeps it in the slot of redisKey.
func shareKey(key, client string) string { return "{" + redisKey(key) + "}:" + client }

// burstDuration returns the time after which a limit is unused again if N events are counted at the same time.
func burstDuration(limit ratelimit.Limit) time.Duration {
	return limit.Interval() * time.Duration(limit.N)
}

func micros(d time.Duration) string { return strconv.FormatInt(d.Microseconds(), 10) }
