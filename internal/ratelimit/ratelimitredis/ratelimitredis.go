// Package ratelimitredis bounds how often something may happen, for all replicas together, in Redis.
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

// Limiter counts in Redis. Its methods are safe for concurrent use.
//
// Where Redis is away the answer is DEPENDENCY_UNAVAILABLE: what is limited here, guessing passwords foremost, must not
// become free by taking Redis down, and a login cannot begin a session without Redis anyway.
type Limiter struct {
	redis rueidis.Client
}

// New returns a limiter over a client, which stays the caller's to close.
func New(client rueidis.Client) *Limiter { return &Limiter{redis: client} }

// allowScript is the generic cell rate algorithm (ITU-T I.371): the key holds when the next one would be due if all came
// evenly; one is refused when that lies further ahead than a whole burst. The time is that of Redis, in microseconds; what
// lies further ahead than counting can bring it was counted before the clock was set back.
//
// KEYS: key. ARGV: interval in µs, burst in µs. It answers how many microseconds to wait, 0 for "allowed".
var allowScript = rueidis.NewLuaScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local due = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
due = math.min(due, now + tonumber(ARGV[2]))
local next = due + tonumber(ARGV[1])
local wait = next - now - tonumber(ARGV[2])
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', string.format('%.0f', math.ceil((next - now) / 1000)))
return 0
`)

// returnScript takes one back.
//
// KEYS: key. ARGV: interval in µs.
var returnScript = rueidis.NewLuaScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local next = tonumber(redis.call('GET', KEYS[1]) or 0) - tonumber(ARGV[1])
if next > now then
  redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', string.format('%.0f', math.ceil((next - now) / 1000)))
else
  redis.call('DEL', KEYS[1])
end
return 0
`)

// Allow counts one of key, or refuses it with RATE_LIMITED and the time to wait. A refused one is not counted.
func (l *Limiter) Allow(ctx context.Context, key string, limit ratelimit.Limit) error {
	if limit == (ratelimit.Limit{}) {
		return nil
	}
	burst := limit.Interval() * time.Duration(limit.N)
	wait, err := allowScript.Exec(ctx, l.redis, []string{redisKey(key)},
		[]string{micros(limit.Interval()), micros(burst)}).AsInt64()
	if err != nil {
		return redis.Failure(err)
	}
	if wait > 0 {
		refused := apperr.New(apperr.RateLimited, "too many attempts")
		refused.RetryAfter = time.Duration(wait) * time.Microsecond
		return refused
	}
	return nil
}

// Refund undoes one Allow of key, because it turned out not to be of the kind that is limited.
func (l *Limiter) Refund(ctx context.Context, key string, limit ratelimit.Limit) error {
	if limit == (ratelimit.Limit{}) {
		return nil
	}
	return redis.Failure(returnScript.Exec(ctx, l.redis, []string{redisKey(key)}, []string{micros(limit.Interval())}).Error())
}

func redisKey(key string) string { return "limit:" + key }

func micros(d time.Duration) string { return strconv.FormatInt(d.Microseconds(), 10) }
