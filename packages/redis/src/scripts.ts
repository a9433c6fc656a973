import { createHash } from 'node:crypto'

/** A script for the server, with the name under which the server's cache keeps it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/**
 * When a key dies, in epoch milliseconds: -1 never, -2 there is none. PEXPIRETIME came with Redis 7.0. Redis 6.2 tells only
 * what is left of a life, so the clock is read before and after: while it reads the same, the sum is exact.
 */
export const EXPIRY = `
local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function expiry(key)
  local at = redis.pcall('PEXPIRETIME', key)
  if type(at) == 'number' then return at end
  while true do
    local before = milliseconds()
    local left = redis.call('PTTL', key)
    if left < 0 then return left end
    if milliseconds() == before then return before + left end
  end
end
`

/** KEYS[1]; ARGV: the payload that must be there, the payload to store, when it dies ('' for never). Answers 1 or 0. */
export const SWAP = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3]) end
return 1
`)

/** The same, but for ARGV[1] the SHA-1 of the payload that must be there. */
export const SWAP_BY_DIGEST = script(`
local payload = redis.call('GET', KEYS[1])
if not payload or redis.sha1hex(payload) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3]) end
return 1
`)

/** Moves the death of each of KEYS to the time that stands at its place in ARGV ('' for never). */
export const TOUCH_MANY = script(`
for index, key in ipairs(KEYS) do
  if ARGV[index] == '' then redis.call('PERSIST', key) else redis.call('PEXPIREAT', key, ARGV[index]) end
end
`)

/** When each of KEYS dies. */
export const EXPIRIES = script(`${EXPIRY}
local answer = {}
for index, key in ipairs(KEYS) do answer[index] = expiry(key) end
return answer
`)

/** Deletes those of KEYS that are dead at ARGV[1]; answers how many. */
export const PURGE = script(`${EXPIRY}
local purged = 0
for _, key in ipairs(KEYS) do
  local at = expiry(key)
  if at >= 0 and at <= tonumber(ARGV[1]) then purged = purged + redis.call('UNLINK', key) end
end
return purged
`)
