import {
  type Bank,
  type BankContext,
  type BankDescription,
  compareClocks,
  DatabankError,
  DEFAULT_CONTEXT,
  type Entry,
  Lifecycle,
  type Stored,
} from 'connect-databank/backend'
import { adapt, single } from './clients.ts'
import { Commands, PURGE, SWAP } from './commands.ts'
import { Connection, type ConnectionListener } from './connection.ts'
import { redisError, replyCode } from './errors.ts'
import { checkBankOptions, type RedisBankOptions } from './options.ts'
import { OwnerIndex } from './owners.ts'
import { isTrailer, NEVER, newTrailer, ownerOf, pxatOf, setExpiry, storedOf } from './records.ts'

/** How many entries a scan reads at once. */
const SCAN_BATCH = 100
/** How long closing waits for operations under way, in milliseconds. */
const CLOSE_TIMEOUT = 1_000

/**
 * Sessions in Redis or Valkey: each is a string under the prefix and the id, with the key's own expiry. Needs Redis 6.2. The server expires
 * entries by its own clock, so `now` matters to `count` and `purge` only.
 *
 * Rejects with `DATABANK_UNAVAILABLE`, `DATABANK_DENIED`, `DATABANK_FULL`, `DATABANK_INVALID_RECORD` (a swap on a key that holds no
 * string), `DATABANK_BACKEND_FAILED` and `DATABANK_CLOSED`.
 */
export class RedisBank implements Bank {
  readonly name = 'redis'
  readonly #prefix: string
  readonly #mayClear: boolean
  /** Undefined with the caller's own client. */
  readonly #connection: Connection | undefined
  readonly #commands: Commands
  readonly #owners: OwnerIndex
  readonly #lifecycle: Lifecycle<Commands>

  /**
   * @param listener gets the events of the bank's own connection; for the near cache
   * @throws DATABANK_INVALID_OPTION
   */
  constructor(options: RedisBankOptions = {}, context: BankContext = DEFAULT_CONTEXT, listener?: ConnectionListener) {
    checkBankOptions(options)
    const { client, prefix = 'sess:', clearWholeDatabase = false, maxPending } = options
    this.#prefix = prefix
    this.#mayClear = clearWholeDatabase || prefix !== ''
    const compare = (): void => {
      // The server expires sessions by its own clock. It need not let its users ask for the time.
      compareClocks(context, 'Redis', () => this.#commands.time()).catch(() => {})
    }
    const connection = client === undefined ? new Connection(options, context.timeout, compare, listener) : undefined
    this.#connection = connection
    this.#commands = new Commands(connection === undefined ? adapt(client!) : single(connection.send))
    this.#owners = new OwnerIndex(prefix, this.#commands)
    this.#lifecycle = new Lifecycle({
      name: 'RedisBank',
      open: async () => {
        if (client !== undefined) compare()
        return this.#commands
      },
      close: async () => connection?.close(),
      errorOf: (error) => {
        if (replyCode(error) === 'READONLY') connection?.onReadonly()
        return redisError(error)
      },
      closeTimeout: CLOSE_TIMEOUT,
      maxPending,
    })
  }

  read(id: string): Promise<Stored | null> {
    const key = this.#prefix + id
    return this.#lifecycle.run((commands) => commands.read(key))
  }

  readMany(ids: readonly string[]): Promise<(Stored | null)[]> {
    const keys = ids.map((id) => this.#prefix + id)
    return this.#lifecycle.run((commands) => commands.readMany(keys))
  }

  save(id: string, entry: Entry): Promise<string> {
    const version = newTrailer(entry.owner)
    const key = this.#prefix + id
    const args = ['SET', key, entry.payload + version, ...setExpiry(entry.expires)]
    return this.#write(id, entry, null, () => this.#commands.send(args, key).then(() => version))
  }

  swap(id: string, expected: string | null, entry: Entry): Promise<string | null> {
    const { payload, expires } = entry
    const version = newTrailer(entry.owner)
    const key = this.#prefix + id
    if (expected === null) {
      const args = ['SET', key, payload + version, 'NX', ...setExpiry(expires)]
      return this.#write(id, entry, null, () => this.#commands.send(args, key).then((reply) => (reply === null ? null : version)))
    }
    const isVersion = isTrailer(expected)
    const args = [expected, payload + version, pxatOf(expires), isVersion ? '' : 'whole']
    const onReply = (reply: unknown): string | null => (Number(reply) === 1 ? version : null)
    const owner = isVersion ? ownerOf(expected) : null
    return this.#write(id, entry, owner, () => this.#commands.run(SWAP, [key], args, onReply))
  }

  delete(id: string): Promise<boolean> {
    const key = this.#prefix + id
    return this.#lifecycle.run((commands) => commands.send(['UNLINK', key], key).then((count) => Number(count) === 1))
  }

  touch(id: string, expires: number | null): Promise<void> {
    const key = this.#prefix + id
    const args = expires === null ? ['PERSIST', key] : ['PEXPIREAT', key, pxatOf(expires)]
    return this.#lifecycle.run((commands) => commands.send(args, key).then(() => {}))
  }

  /** Touches the entry and returns it. If it expires at once, this returns the entry from before. */
  touchAndRead(id: string, expires: number | null): Promise<Stored | null> {
    const key = this.#prefix + id
    const args = ['GETEX', key, ...(expires === null ? ['PERSIST'] : setExpiry(expires))]
    const onReply = (value: unknown): Stored | null => storedOf(value as string | null, expires ?? NEVER)
    return this.#lifecycle.run((commands) => commands.send(args, key).then(onReply, commands.corruptIfNoString))
  }

  async *scan(): AsyncGenerator<readonly [id: string, stored: Stored]> {
    for await (const keys of this.#keys()) {
      for (let start = 0; start < keys.length; start += SCAN_BATCH) {
        const batch = keys.slice(start, start + SCAN_BATCH)
        const found = await this.#lifecycle.run((commands) => commands.readMany(batch))
        for (const [index, stored] of found.entries())
          if (stored !== null) yield [batch[index]!.slice(this.#prefix.length), stored]
      }
    }
  }

  async *idsOf(owner: string): AsyncGenerator<string> {
    for await (const ids of this.#lifecycle.stream(() => this.#owners.idsOf(owner))) {
      const found = await this.readMany(ids)
      for (const [index, id] of ids.entries()) if (found[index]?.owner === owner) yield id
    }
  }

  indexOwner(id: string, owner: string): Promise<void> {
    return this.#lifecycle.run(() => this.#owners.index(owner, id))
  }

  async count(now: number): Promise<number> {
    let count = 0
    for await (const keys of this.#keys()) {
      const expiries = await this.#lifecycle.run((commands) => commands.expiries(keys))
      count += expiries.filter((expiry) => expiry === NEVER || expiry > now).length
    }
    return count
  }

  /** Rejects with `DATABANK_NOT_SUPPORTED` if the prefix is empty and `clearWholeDatabase` is not set. */
  async clear(): Promise<void> {
    this.#refuseWholeDatabase('clear')
    for await (const keys of this.#keys()) {
      const unlink = (group: readonly string[]): Promise<unknown> => this.#commands.send(['UNLINK', ...group], group[0]!)
      await this.#lifecycle.run((commands) => commands.inGroups(keys, unlink))
    }
    await this.#sweepOwners()
  }

  /** Redis deletes expired entries by itself: only a `now` in the future leaves work, and the index of owners. */
  async purge(now: number): Promise<number> {
    let purged = 0
    if (now > Date.now()) {
      this.#refuseWholeDatabase('purge')
      for await (const keys of this.#keys()) {
        const purge = (group: readonly string[]): Promise<number> => this.#commands.run(PURGE, group, [String(now)], Number)
        const counts = await this.#lifecycle.run((commands) => commands.inGroups(keys, purge))
        for (const count of counts) purged += count
      }
    }
    await this.#sweepOwners()
    return purged
  }

  describe(): Promise<BankDescription> {
    return this.#lifecycle.run((commands) => commands.server().then((server) => ({ server })))
  }

  /** Connects now, or rejects with the reason. */
  open(): Promise<void> {
    return this.#lifecycle.run(async (commands) => {
      await this.#connection?.open()
      // No session has this key, because no id is empty. An answer shows that the user may read sessions.
      await commands.send(['MGET', this.#prefix], this.#prefix)
    })
  }

  close(): Promise<void> {
    const closing = this.#lifecycle.close()
    this.#connection?.refuse()
    return closing
  }

  /** Writes an entry. The index of owners has it already if the owner stays the same. */
  #write<V extends string | null>(id: string, { owner }: Entry, ownerBefore: string | null, write: () => Promise<V>): Promise<V> {
    if (owner === null || owner === undefined || owner === ownerBefore) return this.#lifecycle.run(write)
    return this.#lifecycle.run(() => this.#owners.during(owner, id, write))
  }

  async #sweepOwners(): Promise<void> {
    try {
      for await (const _ of this.#lifecycle.stream(() => this.#owners.sweep()));
    } catch (error) {
      // A user without the right to read the index has never written it.
      if ((error as { code?: unknown }).code !== 'DATABANK_DENIED') throw error
    }
  }

  /** The keys of all sessions, in pages. */
  #keys(): AsyncGenerator<string[]> {
    return this.#lifecycle.stream((commands) => commands.scan(this.#prefix))
  }

  #refuseWholeDatabase(method: string): void {
    if (this.#mayClear) return
    const why = `${method} with an empty prefix deletes every string of the database; clearWholeDatabase permits it`
    throw new DatabankError('DATABANK_NOT_SUPPORTED', `RedisBank: ${why}`)
  }
}
