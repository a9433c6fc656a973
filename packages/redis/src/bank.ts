import { type Bank, DatabankError, type Entry } from 'connect-databank'
import { adapt } from './client.ts'
import { Commands } from './commands.ts'
import { Connection } from './connection.ts'
import { idOf, keyOf } from './keys.ts'
import { checkBankOptions, type RedisBankOptions } from './options.ts'
import { Reader } from './reader.ts'
import { withoutRepeats } from './scanning.ts'
import { PURGE, TOUCH_MANY } from './scripts.ts'
import { Swapper } from './swapper.ts'
import { type ChangeListener, Tracking } from './tracking.ts'
import { Watchdog } from './watchdog.ts'
import { lifetime, NEVER, timeOf, touching } from './words.ts'

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
  readonly #swapper: Swapper
  /** Undefined where the client is the caller's. */
  readonly #connection: Connection | undefined
  readonly #watchdog: Watchdog | undefined

  constructor(options: RedisBankOptions = {}) {
    checkBankOptions(options)
    const { client, prefix = 'sess:', clearWholeDatabase = false, maxPending = 10_000 } = options
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
    this.#reader = new Reader(this.#commands)
    this.#swapper = new Swapper(this.#commands)
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

  async save(id: string, { payload, expires }: Entry): Promise<void> {
    const key = this.#keyOf(id)
    await this.#commands.send(['SET', key, payload, ...lifetime(expires)], key)
  }

  swap(id: string, expected: string | null, entry: Entry): Promise<boolean> {
    return this.#swapper.swap(this.#keyOf(id), expected, entry)
  }

  async delete(id: string): Promise<boolean> {
    const key = this.#keyOf(id)
    return (await this.#commands.send(['UNLINK', key], key)) === 1
  }

  async touch(id: string, expires: number | null): Promise<void> {
    const key = this.#keyOf(id)
    await this.#commands.send(touching(key, expires), key)
  }

  async touchMany(moves: readonly (readonly [id: string, expires: number | null])[]): Promise<void> {
    const keys = moves.map(([id]) => this.#keyOf(id))
    await this.#commands.inGroups(keys, (group, places) => {
      const times = places.map((place) => moves[place]![1])
      if (group.length === 1) return this.#commands.send(touching(group[0]!, times[0]!), group[0]!)
      return this.#commands.run(TOUCH_MANY, group, times.map(timeOf))
    })
  }

  async *scan(): AsyncGenerator<readonly [id: string, entry: Entry]> {
    for await (const keys of withoutRepeats(this.#commands.scan(this.#prefix))) {
      for (let start = 0; start < keys.length; start += SCAN_BATCH) {
        const batch = keys.slice(start, start + SCAN_BATCH)
        for (const [place, entry] of (await this.#reader.readStrings(batch)).entries()) {
          if (entry !== null) yield [idOf(this.#prefix, batch[place]!), entry]
        }
      }
    }
  }

  async count(now: number): Promise<number> {
    let living = 0
    for await (const keys of withoutRepeats(this.#commands.scan(this.#prefix))) {
      for (const expiry of await this.#reader.expiries(keys)) if (expiry === NEVER || expiry > now) living += 1
    }
    return living
  }

  async clear(): Promise<void> {
    this.#refuseForeignKeys('clear')
    for await (const keys of this.#commands.scan(this.#prefix)) {
      await this.#commands.inGroups(keys, (group) => this.#commands.send(['UNLINK', ...group], group[0]!))
    }
  }

  /** The server frees what is dead by itself, and nothing is asked of it: only for a time to come is there anything to do. */
  async purge(now: number): Promise<number> {
    this.#commands.refuseIfClosed()
    if (now <= Date.now()) return 0
    this.#refuseForeignKeys('purge')
    let purged = 0
    for await (const keys of this.#commands.scan(this.#prefix)) {
      const counts = await this.#commands.inGroups(keys, (group) => this.#commands.run(PURGE, group, [String(now)]))
      for (const count of counts) purged += count as number
    }
    return purged
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
