import { createHash } from 'node:crypto'
import type { Stored } from 'connect-databank/backend'
import { type Client, type Send, slotOf } from './clients.ts'
import { replyCode } from './errors.ts'
import { storedOf } from './records.ts'

/**
 * The expiry of a key in epoch milliseconds; -1: never, -2: no key. Redis 6.2 has no PEXPIRETIME, only the remaining time of a key. So the
 * script reads the clock before and after: if both are equal, the sum is exact.
 */
const EXPIRY = `
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

/**
 * KEYS[1]; ARGV: the expected end of the stored value, the new value, its expiry ('' for never), and 'whole' if the stored value must
 * equal ARGV[1]. Replies 1 or 0. A value that becomes a string of Lua costs the server 4 µs for 2 kB, so only the trailer
 * is read.
 */
export const SWAP = script(`
local stored
if ARGV[4] == 'whole' then stored = redis.call('GET', KEYS[1]) else stored = redis.call('GETRANGE', KEYS[1], -#ARGV[1], -1) end
if stored ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3]) end
return 1
`)

/** Deletes the KEYS that have expired at ARGV[1]. Replies how many. */
export const PURGE = script(`${EXPIRY}
local purged = 0
for _, key in ipairs(KEYS) do
  local at = expiry(key)
  if at >= 0 and at <= tonumber(ARGV[1]) then purged = purged + redis.call('UNLINK', key) end
end
return purged
`)

/** The expiry of each of KEYS. */
const EXPIRIES = script(`${EXPIRY}
local reply = {}
for index, key in ipairs(KEYS) do reply[index] = expiry(key) end
return reply
`)

type Script = ReturnType<typeof script>

/** The most keys of one command: it blocks the server for all clients while it runs. */
const KEYS_PER_COMMAND = 500
/** How many keys a scan remembers, to leave out those that SCAN repeats. */
const REMEMBERED_KEYS = 20_000

/** The commands of the bank, on any client. Replies of numbers may be texts: clients have options for that. */
export class Commands {
  readonly send: Send
  readonly #client: Client
  /** Redis 6.2 has no PEXPIRETIME: the first read detects it. */
  #hasExpiryTime = true

  constructor(client: Client) {
    this.#client = client
    this.send = client.send
  }

  /** Runs a script from the server's cache, which is empty after a restart, a failover or a SCRIPT FLUSH. */
  run<T>({ sha, text }: Script, keys: readonly string[], args: readonly string[], map: (reply: unknown) => T): Promise<T> {
    const key = keys[0]!
    return this.send(['EVALSHA', sha, String(keys.length), ...keys, ...args], key).then(map, (error) => {
      if (replyCode(error) !== 'NOSCRIPT') throw error
      return this.send(['EVAL', text, String(keys.length), ...keys, ...args], key).then(map)
    })
  }

  /**
   * Two commands in one packet cost less than a script, and need not be atomic: if the entry is replaced between them, a swap against
   * the read version fails, as it must. A key of another type than string counts as missing.
   */
  read(key: string): Promise<Stored | null> {
    const hasExpiryTime = this.#hasExpiryTime
    const value = this.send(['GET', key], key) as Promise<string | null>
    const expiry = hasExpiryTime ? this.send(['PEXPIRETIME', key], key) : this.expiries([key]).then(([expiry]) => expiry)
    return Promise.all([value, expiry]).then(
      ([value, expiry]) => storedOf(value, Number(expiry)),
      (error) => {
        if (!hasExpiryTime || !/ERR unknown command/.test(String(error))) return this.corruptIfNoString(error)
        this.#hasExpiryTime = false
        return this.read(key)
      },
    )
  }

  async readMany(keys: readonly string[]): Promise<(Stored | null)[]> {
    const get = (group: readonly string[]) => this.send(['MGET', ...group], group[0]!) as Promise<(string | null)[]>
    const [values, expiries] = await Promise.all([this.#each(keys, get), this.expiries(keys)])
    return values.map((value, index) => storedOf(value, expiries[index]!))
  }

  /** The expiry of each key, as PEXPIRETIME replies it. */
  expiries(keys: readonly string[]): Promise<number[]> {
    return this.#each(keys, (group) => this.run(EXPIRIES, group, [], (replies) => (replies as unknown[]).map(Number)))
  }

  /** The server's name and version. Every user may send HELLO. */
  async server(): Promise<string> {
    const reply = (await this.send(['HELLO'], '')) as object
    // A map, which older protocols send as an array of names and values.
    const fields = Array.isArray(reply) ? reply : [...(reply instanceof Map ? reply : Object.entries(reply))].flat()
    const [server, version] = ['server', 'version'].map((name) => fields[fields.indexOf(name) + 1])
    return `${server === 'redis' ? 'Redis' : server === 'valkey' ? 'Valkey' : server} ${version}`
  }

  /** The server's time, in epoch milliseconds. */
  async time(): Promise<number> {
    const [seconds, microseconds] = (await this.send(['TIME'], '')) as [unknown, unknown]
    return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
  }

  readonly corruptIfNoString = (error: unknown): Stored => {
    if (replyCode(error) !== 'WRONGTYPE') throw error
    return { payload: '', expires: null, owner: null, version: '', corrupt: 'the key holds no string' }
  }

  /** Sends commands that reply with a value for each key. */
  async #each<T>(keys: readonly string[], send: (group: readonly string[]) => Promise<readonly T[]>): Promise<T[]> {
    const values = new Map<string, T>()
    await this.inGroups(keys, async (group) => {
      for (const [index, value] of (await send(group)).entries()) values.set(group[index]!, value)
    })
    return keys.map((key) => values.get(key)!)
  }

  /** Sends a command for each group of keys that may share a command: in a cluster, the keys of one slot. */
  async inGroups<Reply>(keys: readonly string[], send: (group: readonly string[]) => Promise<Reply>): Promise<Reply[]> {
    const { isCluster, keyPrefix } = this.#client
    const groups = new Map<number, string[]>()
    for (const [index, key] of keys.entries()) {
      const name = isCluster ? slotOf(keyPrefix + key) : Math.floor(index / KEYS_PER_COMMAND)
      const group = groups.get(name)
      if (group === undefined) groups.set(name, [key])
      else group.push(key)
    }
    return Promise.all([...groups.values()].map((group) => send(group)))
  }

  /**
   * Streams the keys with this prefix that hold strings, in pages, from all masters. SCAN repeats keys when the server's table shrinks
   * meanwhile, but only recent ones: this remembers the last keys and leaves them out.
   */
  async *scan(prefix: string): AsyncGenerator<string[]> {
    const { keyPrefix } = this.#client
    const pattern = `${(keyPrefix + prefix).replace(/[\\*?[\]]/g, '\\$&')}*`
    const seen = new Set<string>()
    for (const send of await this.#client.masters()) {
      let cursor = '0'
      do {
        // COUNT is the number of keys to examine, not of matches. A thousand cost the server less than a millisecond.
        const args = ['SCAN', cursor, 'MATCH', pattern, 'COUNT', '1000', 'TYPE', 'string']
        const [next, page] = (await send(args, '')) as [unknown, string[]]
        const keys = [...new Set(page)].filter((key) => !seen.has(key))
        for (const key of keys) seen.add(key)
        yield keys.map((key) => key.slice(keyPrefix.length))
        for (const oldest of seen) {
          if (seen.size <= REMEMBERED_KEYS) break
          seen.delete(oldest)
        }
        cursor = String(next)
      } while (cursor !== '0')
    }
  }
}

/** A script, and its name in the server's cache. */
function script(text: string) {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
