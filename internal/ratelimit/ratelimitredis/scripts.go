package ratelimitredis

import "github.com/redis/rueidis"

// The scripts implement the generic cell rate algorithm (ITU-T I.371). A key holds the time at which the limit is unused
// again, in microseconds of Redis's clock. Each event moves this time one interval ahead. An event is refused if it would
// move the time further ahead than a burst. If the stored time is already further ahead, the clock was set back after it was
// written. The script then uses the time of a full burst instead.
//
// A client's share is a second key of the same form that counts only the events of this client. The shares and the common
// key decrease at the same rate, so the shares of all clients never exceed the common key.

// allowScript counts an event.
//
// KEYS: key, and optionally the client's share. ARGV: interval in µs, burst in µs. It returns the time to wait in µs, or 0
// if the event is allowed.
var allowScript = rueidis.NewLuaScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local function count(key)
  local due = math.max(now, tonumber(redis.call('GET', key) or 0))
  return math.min(due, now + tonumber(ARGV[2])) + tonumber(ARGV[1])
end
local wait = count(KEYS[1]) - now - tonumber(ARGV[2])
if wait > 0 then return wait end
for _, key in ipairs(KEYS) do
  local due = count(key)
  redis.call('SET', key, string.format('%.0f', due), 'PX', string.format('%.0f', math.ceil((due - now) / 1000)))
end
return 0
`)

// refundScript undoes events. With a share, it undoes at most the share.
//
// KEYS: key, and optionally the client's share. ARGV: the maximum to undo in µs.
var refundScript = rueidis.NewLuaScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local amount = tonumber(ARGV[1])
if KEYS[2] then
  amount = math.min(amount, math.max(0, tonumber(redis.call('GET', KEYS[2]) or 0) - now))
end
for _, key in ipairs(KEYS) do
  local due = tonumber(redis.call('GET', key) or 0) - amount
  if due > now then
    redis.call('SET', key, string.format('%.0f', due), 'PX', string.format('%.0f', math.ceil((due - now) / 1000)))
  else
    redis.call('DEL', key)
  end
end
return 0
`)
