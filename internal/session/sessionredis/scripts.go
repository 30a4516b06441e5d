package sessionredis

import "github.com/redis/rueidis"

// withIndex precedes each script. The function index deletes the sorted set of a user if its type is wrong, so that a
// foreign value does not keep the user from logging in, and a deactivation from completing. The function text returns a
// string, or false if there is none.
const withIndex = `
local function index(key)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', key) end
end
local function text(key)
  local value = redis.pcall('GET', key)
  return type(value) == 'string' and value
end
`

// Each script runs atomically, on Redis 7 and on the embedded server. Each script publishes the ids of the sessions that it
// ends. The scripts use the clock of Redis, so the clocks of the replicas do not matter.

// endedChannel is the pub/sub channel with the ids of ended sessions.
const endedChannel = "session-ended"

// stateLive is the state of a refresh token that has not been rotated. The other state is "rotated".
const stateLive = "live"

// createScript creates a session. If the user then has too many sessions, the script ends the sessions that would expire
// first.
//
// KEYS: session, refresh, user. ARGV: record, session id, TTL of the refresh token in ms, TTL of the session in ms, maximum
// of sessions, prefix of session keys, channel.
var createScript = rueidis.NewLuaScript(withIndex + `
index(KEYS[3])
local now = redis.call('TIME')[1] * 1000
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4])
redis.call('SET', KEYS[2], 'live', 'PX', ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - 1000)
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
local over = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[5])
if over > 0 then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[3], 0, over - 1)) do
    redis.call('ZREM', KEYS[3], id)
    if redis.call('DEL', ARGV[6] .. id) == 1 then redis.call('PUBLISH', ARGV[7], id) end
  end
end
return 'ok'
`)

// rotateScript exchanges a refresh token for the next one.
//
// KEYS: session, old refresh, grace, new refresh, user. ARGV: sealed pair, session id, TTL of the refresh token in ms, TTL
// of the session in ms, grace in ms, channel, record. It returns an outcome, see [Store.rotate], and the sealed pair of the
// earlier rotation if the outcome is "grace".
var rotateScript = rueidis.NewLuaScript(withIndex + `
index(KEYS[5])
local state = text(KEYS[2])
if not state then return {'unknown', ''} end
if redis.call('EXISTS', KEYS[1]) == 0 then return {'ended', ''} end
if state == 'live' then
  local left = redis.call('PTTL', KEYS[2])
  if left < tonumber(ARGV[5]) then left = ARGV[5] end
  redis.call('SET', KEYS[2], 'rotated', 'PX', left)
  redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[5])
  redis.call('SET', KEYS[4], 'live', 'PX', ARGV[3])
  redis.call('SET', KEYS[1], ARGV[7], 'PX', ARGV[4])
  redis.call('ZADD', KEYS[5], redis.call('TIME')[1] * 1000 + ARGV[4], ARGV[2])
  redis.call('PEXPIRE', KEYS[5], ARGV[3])
  return {'rotated', ''}
end
local sealed = text(KEYS[3])
if sealed then return {'grace', sealed} end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[5], ARGV[2])
redis.call('PUBLISH', ARGV[6], ARGV[2])
return {'reused', ''}
`)

// endScript ends a session of a user. It does nothing if the session belongs to another user.
//
// KEYS: session, user. ARGV: session id, channel. It returns the number of sessions that ended, 0 or 1.
var endScript = rueidis.NewLuaScript(withIndex + `
index(KEYS[2])
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 0 end
local n = redis.call('DEL', KEYS[1])
if n == 1 then redis.call('PUBLISH', ARGV[2], ARGV[1]) end
return n
`)

// endAllScript ends every session of a user, except one.
//
// KEYS: user. ARGV: prefix of session keys, channel, id of the session that stays. It returns the number of sessions that
// ended.
var endAllScript = rueidis.NewLuaScript(withIndex + `
index(KEYS[1])
local ended = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if id ~= ARGV[3] then
    redis.call('ZREM', KEYS[1], id)
    if redis.call('DEL', ARGV[1] .. id) == 1 then
      ended = ended + 1
      redis.call('PUBLISH', ARGV[2], id)
    end
  end
end
return ended
`)

// listScript returns the ids and the records of the sessions of a user, one after the other.
//
// KEYS: user. ARGV: prefix of session keys.
var listScript = rueidis.NewLuaScript(withIndex + `
index(KEYS[1])
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local record = text(ARGV[1] .. id)
  if record then
    found[#found + 1] = id
    found[#found + 1] = record
  end
end
return found
`)
