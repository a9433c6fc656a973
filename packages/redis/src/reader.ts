import type { Entry } from 'connect-databank'
import type { Commands } from './commands.ts'
import { isServerError } from './failures.ts'
import { EXPIRIES } from './scripts.ts'
import { entryOf, GONE } from './words.ts'

/**
 * From so many keys on, one script asks for all their deaths: it takes half the CPU that as many PEXPIRETIMEs take here, and a
 * little more of it on the server. For fewer there is nothing in it.
 */
const SCRIPT_FROM = 16

/**
 * Reads payloads and deaths. The two are read by two commands, sent as one packet: cheaper than a script, and they need not be
 * atomic. The payload is what was there when it was read, the death is what was said last. If the key went in between, nothing
 * is there any more; if another entry came in between, a swap against the payload that was read fails, as it must.
 */
export class Reader {
  readonly #commands: Commands
  /** Redis 6.2 has no PEXPIRETIME: found out by the first read. */
  #hasExpiryTime = true

  constructor(commands: Commands) {
    this.#commands = commands
  }

  read(key: string): Promise<Entry | null> {
    const payload = this.#commands.send(['GET', key], key) as Promise<string | null>
    if (!this.#hasExpiryTime)
      return Promise.all([payload, this.expiries([key])]).then(([payload, [expiry]]) => entryOf(payload, expiry!))
    // Of all reads the most common, so with no more promises than it needs.
    const expiry = this.#commands.send(['PEXPIRETIME', key], key) as Promise<number>
    return Promise.all([payload, expiry]).then(toEntry, (error) => this.#without(error, () => this.read(key)))
  }

  async readMany(keys: readonly string[]): Promise<(Entry | null)[]> {
    const [payloads, expiries] = await this.#both(keys)
    // A key that is there while MGET finds nothing came just now, or holds no string: only GET tells, by its error.
    const entries = keys.map((key, place) =>
      payloads[place] === null && expiries[place] !== GONE ? this.read(key) : entryOf(payloads[place]!, expiries[place]!),
    )
    return Promise.all(entries)
  }

  /** The same, but what holds no string is passed over: not all keys that a scan finds need be ours. */
  async readStrings(keys: readonly string[]): Promise<(Entry | null)[]> {
    const [payloads, expiries] = await this.#both(keys)
    return keys.map((_, place) => entryOf(payloads[place]!, expiries[place]!))
  }

  /** When the keys die, as PEXPIRETIME says it. */
  expiries(keys: readonly string[]): Promise<number[]> {
    return this.#commands.spread(keys, (group) => this.#commands.run(EXPIRIES, group, []) as Promise<number[]>)
  }

  #both(keys: readonly string[]): Promise<[payloads: (string | null)[], expiries: number[]]> {
    const payloads = this.#commands.spread(
      keys,
      (group) => this.#commands.send(['MGET', ...group], group[0]!) as Promise<(string | null)[]>,
    )
    return Promise.all([payloads, this.#expiryTimes(keys)])
  }

  #expiryTimes(keys: readonly string[]): Promise<number[]> {
    const isForScript = keys.length >= SCRIPT_FROM && !this.#commands.isCluster
    if (!this.#hasExpiryTime || isForScript) return this.expiries(keys)
    const expiries = Promise.all(keys.map((key) => this.#commands.send(['PEXPIRETIME', key], key) as Promise<number>))
    return expiries.catch((error) => this.#without(error, () => this.expiries(keys)))
  }

  /** Goes on without PEXPIRETIME, if the error says that the server has none. */
  #without<Result>(error: unknown, goOn: () => Promise<Result>): Promise<Result> {
    if (!isServerError(error, /unknown command/)) throw error
    this.#hasExpiryTime = false
    return goOn()
  }
}

function toEntry([payload, expiry]: readonly [payload: string | null, expiry: number]): Entry | null {
  return entryOf(payload, expiry)
}
