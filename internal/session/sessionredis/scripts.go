package sessionredis

import "github.com/redis/rueidis"

// functions precede each script. The function index deletes the sorted set of a user if its type is wrong, so that a foreign
// value does not keep the user from logging in, and a deactivation from completing. The function text returns a string, or
// false if there is none. The function finish ends a session, deletes its current refresh token, and returns the number of
// sessions that ended.
const functions = `
local function index(key)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', key) end
end
local function text(key)
  local value = redis.pcall('GET', key)
  return type(value) == 'string' and value
end
local function finish(id, user, channel)
  local token = text('` + tokenPrefix + `' .. id)
  if token then redis.call('DEL', '` + refreshPrefix + `' .. token) end
  redis.call('DEL', '` + tokenPrefix + `' .. id)
  redis.call('ZREM', user, id)
  local n = redis.call('DEL', '` + sessionPrefix + `' .. id)
  if n == 1 then redis.call('PUBLISH', channel, id) end
  return n
end
`

// Each script runs atomically, on Redis 7 and on the embedded server. Each script publishes the ids of the sessions that it
// ends. The scripts use the clock of Redis, so the clocks of the replicas do not matter.

// endedChannel is the pub/sub channel with the ids of ended sessions.
const endedChannel = "session-ended"

// stateLive is the state of the current refresh token. The other state is "rotated".
const stateLive = "live"

// createScript creates a session. If the user then has too many sessions, the script ends the sessions that would expire
// first.
//
// KEYS: session, refresh, user, token. ARGV: record, session id, TTL of the user's index in ms, TTL of the session in ms,
// maximum of sessions, channel, hash of the refresh token.
var createScript = rueidis.NewLuaScript(functions + `
index(KEYS[3])
local now = redis.call('TIME')[1] * 1000
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4])
redis.call('SET', KEYS[2], 'live', 'PX', ARGV[4])
redis.call('SET', KEYS[4], ARGV[7], 'PX', ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - 1000)
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
local over = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[5])
if over > 0 then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[3], 0, over - 1)) do finish(id, KEYS[3], ARGV[6]) end
end
return 'ok'
`)

// rotateScript exchanges a refresh token for the next one.
//
// KEYS: session, old refresh, grace, new refresh, user, token. ARGV: sealed pair, session id, TTL of the user's index in ms,
// TTL of the session in ms, grace in ms, channel, record, hash of the new token, time in ms to keep that the old token was
// rotated. It returns an outcome, see [Store.rotate], and the sealed pair of the earlier rotation if the outcome is "grace".
var rotateScript = rueidis.NewLuaScript(functions + `
index(KEYS[5])
local state = text(KEYS[2])
if not state then return {'unknown', ''} end
if redis.call('EXISTS', KEYS[1]) == 0 then return {'ended', ''} end
if state == 'live' then
  local left = math.max(math.min(redis.call('PTTL', KEYS[2]), tonumber(ARGV[9])), tonumber(ARGV[5]))
  redis.call('SET', KEYS[2], 'rotated', 'PX', left)
  redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[5])
  redis.call('SET', KEYS[4], 'live', 'PX', ARGV[4])
  redis.call('SET', KEYS[6], ARGV[8], 'PX', ARGV[4])
  redis.call('SET', KEYS[1], ARGV[7], 'PX', ARGV[4])
  redis.call('ZADD', KEYS[5], redis.call('TIME')[1] * 1000 + ARGV[4], ARGV[2])
  redis.call('PEXPIRE', KEYS[5], ARGV[3])
  return {'rotated', ''}
end
local sealed = text(KEYS[3])
if sealed then return {'grace', sealed} end
finish(ARGV[2], KEYS[5], ARGV[6])
return {'reused', ''}
`)

// endScript ends a session of a user. It does nothing if the session belongs to another user.
//
// KEYS: session, user. ARGV: session id, channel. It returns the number of sessions that ended, 0 or 1.
var endScript = rueidis.NewLuaScript(functions + `
index(KEYS[2])
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 0 end
return finish(ARGV[1], KEYS[2], ARGV[2])
`)

// endAllScript ends every session of a user, except one.
//
// KEYS: user. ARGV: channel, id of the session that stays. It returns the number of sessions that ended.
var endAllScript = rueidis.NewLuaScript(functions + `
index(KEYS[1])
local ended = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if id ~= ARGV[2] then ended = ended + finish(id, KEYS[1], ARGV[1]) end
end
return ended
`)

// listScript returns the ids and the records of the sessions of a user, one after the other.
//
// KEYS: user.
var listScript = rueidis.NewLuaScript(functions + `
index(KEYS[1])
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local record = text('` + sessionPrefix + `' .. id)
  if record then
    found[#found + 1] = id
    found[#found + 1] = record
  end
end
return found
`)
