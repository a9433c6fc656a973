import { EXPIRY, script } from './scripts.ts'

// In all of them KEYS[1] is the index, and ARGV[1] the prefix: a member is what follows it in a key. Times are '' for never.

const KIT = `
local index, prefix = KEYS[1], ARGV[1]
local function memberOf(key) return string.sub(key, #prefix + 1) end
local function enter(member, at) redis.call('ZADD', index, (at == '' or at == -1) and '+inf' or at, member) end
`

/**
 * KEYS[2]; ARGV[2]: the payload to store, ARGV[3]: when it dies, ARGV[4]: what must be there ('anything', 'nothing', 'payload',
 * 'digest'), ARGV[5]: that payload or its SHA-1. Answers 1 or 0.
 */
export const WRITE = script(`${KIT}
local key, condition = KEYS[2], ARGV[4]
if condition == 'nothing' then
  if redis.call('EXISTS', key) == 1 then return 0 end
elseif condition ~= 'anything' then
  local payload = redis.call('GET', key)
  if not payload then return 0 end
  if condition == 'digest' then payload = redis.sha1hex(payload) end
  if payload ~= ARGV[5] then return 0 end
end
if ARGV[3] == '' then redis.call('SET', key, ARGV[2]) else redis.call('SET', key, ARGV[2], 'PXAT', ARGV[3]) end
enter(memberOf(key), ARGV[3])
return 1
`)

/** Deletes the keys from KEYS[2] on; answers how many there were. */
export const DROP = script(`${KIT}
local dropped = 0
for place = 2, #KEYS do
  dropped = dropped + redis.call('UNLINK', KEYS[place])
  redis.call('ZREM', index, memberOf(KEYS[place]))
end
return dropped
`)

/** Moves the death of each of the keys from KEYS[2] on to the time at its place in ARGV. */
export const MOVE = script(`${KIT}
for place = 2, #KEYS do
  local key, at = KEYS[place], ARGV[place]
  if at == '' then redis.call('PERSIST', key) else redis.call('PEXPIREAT', key, at) end
  if redis.call('EXISTS', key) == 1 then enter(memberOf(key), at) else redis.call('ZREM', index, memberOf(key)) end
end
`)

/**
 * Looks at the members from the score ARGV[2] to ARGV[3], at most ARGV[5] of them, without the first ARGV[4]: deletes the keys that
 * are dead at ARGV[6], takes from the index what is not there, and enters anew what dies at another time than it says. Answers
 * how many it looked at, how many stay where they were, and how many keys it deleted.
 */
export const REVISE = script(`${EXPIRY}${KIT}
local members = redis.call('ZRANGEBYSCORE', index, ARGV[2], ARGV[3], 'LIMIT', ARGV[4], ARGV[5])
local staying, deleted = 0, 0
for _, member in ipairs(members) do
  local key = prefix .. member
  local at = expiry(key)
  if at >= 0 and at <= tonumber(ARGV[6]) then
    deleted = deleted + redis.call('UNLINK', key)
    at = -2
  end
  if at == -2 then redis.call('ZREM', index, member)
  elseif at == -1 and ARGV[3] == '+inf' then staying = staying + 1
  else enter(member, at) end
end
return {#members, staying, deleted}
`)
