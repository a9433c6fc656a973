import { type Bank, DatabankError, type Entry, invalidOption } from 'connect-databank'
import { adapt } from './client.ts'
import { Commands } from './commands.ts'
import { Connection } from './connection.ts'
import { Indexed } from './indexed.ts'
import { idOf, keyOf } from './keys.ts'
import { Keyspace } from './keyspace.ts'
import { checkBankOptions, type RedisBankOptions } from './options.ts'
import { Reader } from './reader.ts'
import type { Register } from './register.ts'
import { type ChangeListener, Tracking } from './tracking.ts'
import { Watchdog } from './watchdog.ts'

/** How many entries a scan reads at once: what it holds in memory. */
const SCAN_BATCH = 100

/**
 * Sessions in Redis or Valkey: a string each, under the prefix and the id, with the key's own expiry. Needs Redis 6.2.
 *
 * Rejects with `DATABANK_UNAVAILABLE`, `DATABANK_DENIED`, `DATABANK_FULL`, `DATABANK_INVALID_RECORD` (the key holds no string),
 * `DATABANK_BACKEND_FAILED` and `DATABANK_CLOSED`. It has no time-out of its own: the store has one for all banks.
 */
export class RedisBank implements Bank {
  readonly #prefix: string
  readonly #mayClearAll: boolean
  readonly #commands: Commands
  readonly #reader: Reader
  readonly #register: Register
  /** Undefined where the client is the caller's. */
  readonly #connection: Connection | undefined
  readonly #watchdog: Watchdog | undefined

  constructor(options: RedisBankOptions = {}) {
    checkBankOptions(options)
    const { client, prefix = 'sess:', clearWholeDatabase = false, maxPending = 10_000, index = false } = options
    this.#prefix = prefix
    this.#mayClearAll = clearWholeDatabase || prefix !== ''
    if (client === undefined) {
      const connection = new Connection(options)
      this.#connection = connection
      this.#commands = new Commands(connection, maxPending, (code) => {
        watchdog.heard()
        // A master that became a replica: behind its address may be another server by now.
        if (code === 'READONLY') connection.restart('when all is answered')
      })
      const watchdog = new Watchdog(options.stallTimeout ?? 5_000, {
        pending: () => this.#commands.pending,
        onSilence: () => connection.restart('now'),
      })
      this.#watchdog = watchdog
    } else this.#commands = new Commands(adapt(client), maxPending)
    if (index && this.#commands.isCluster)
      throw invalidOption('RedisBank: index cannot be in a cluster, where its keys are on many servers')
    this.#reader = new Reader(this.#commands)
    this.#register = index ? new Indexed(prefix, this.#commands) : new Keyspace(prefix, this.#commands, this.#reader)
  }

  /**
   * From its next connection on, has the server tell the listener of what others change. Call it before anything else.
   *
   * @throws DATABANK_NOT_SUPPORTED on a client that was handed in
   */
  track(listener: ChangeListener): void {
    if (this.#connection === undefined)
      throw new DatabankError('DATABANK_NOT_SUPPORTED', 'RedisBank: only with url is it told of changes')
    this.#connection.track(new Tracking(this.#prefix, listener, () => this.#greet()))
  }

  async open(): Promise<void> {
    this.#commands.refuseIfClosed()
    await this.#connection?.open()
    await this.#greet()
  }

  async close(): Promise<void> {
    this.#commands.close()
    this.#watchdog?.stop()
    await this.#connection?.close()
  }

  read(id: string): Promise<Entry | null> {
    return this.#reader.read(this.#keyOf(id))
  }

  async readMany(ids: readonly string[]): Promise<(Entry | null)[]> {
    return this.#reader.readMany(ids.map((id) => this.#keyOf(id)))
  }

  async save(id: string, entry: Entry): Promise<void> {
    await this.#register.save(this.#keyOf(id), entry)
  }

  swap(id: string, expected: string | null, entry: Entry): Promise<boolean> {
    return this.#register.swap(this.#keyOf(id), expected, entry)
  }

  delete(id: string): Promise<boolean> {
    return this.#register.delete(this.#keyOf(id))
  }

  async touch(id: string, expires: number | null): Promise<void> {
    await this.#register.touch(this.#keyOf(id), expires)
  }

  /**
   * Touches and reads in one command (`GETEX`): undefined where touches do more than that (`index`). What dies at once is given as
   * it would be if it lived.
   */
  get renew(): ((id: string, expires: number | null) => Promise<Entry | null>) | undefined {
    const register = this.#register
    return register.renew && ((id, expires) => register.renew!(this.#keyOf(id), expires))
  }

  async touchMany(moves: readonly (readonly [id: string, expires: number | null])[]): Promise<void> {
    const keys = moves.map(([id]) => this.#keyOf(id))
    const expiries = moves.map(([, expires]) => expires)
    await this.#register.touchMany(keys, expiries)
  }

  async *scan(): AsyncGenerator<readonly [id: string, entry: Entry]> {
    for await (const keys of this.#register.keys()) {
      for (let start = 0; start < keys.length; start += SCAN_BATCH) {
        const batch = keys.slice(start, start + SCAN_BATCH)
        for (const [place, entry] of (await this.#reader.readStrings(batch)).entries()) {
          if (entry !== null) yield [idOf(this.#prefix, batch[place]!), entry]
        }
      }
    }
  }

  count(now: number): Promise<number> {
    return this.#register.count(now)
  }

  async clear(): Promise<void> {
    this.#refuseForeignKeys('clear')
    await this.#register.clear()
  }

  async purge(now: number): Promise<number> {
    this.#commands.refuseIfClosed()
    if (now > Date.now()) this.#refuseForeignKeys('purge')
    return this.#register.purge(now)
  }

  /** No session has this key, for an id is never empty. That it can be asked for tells that we are let in. */
  #greet(): Promise<unknown> {
    return this.#commands.send(['GET', this.#prefix], this.#prefix)
  }

  #keyOf(id: string): string {
    return keyOf(this.#prefix, id)
  }

  #refuseForeignKeys(method: string): void {
    if (this.#mayClearAll) return
    const why = `${method} with an empty prefix would take every key of the database; the option clearWholeDatabase permits it`
    throw new DatabankError('DATABANK_NOT_SUPPORTED', `RedisBank: ${why}`)
  }
}
