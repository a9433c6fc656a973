import {
  type Bank,
  closedError,
  DatabankError,
  type Entry,
  inNextTurn,
  isLive,
  type Stored,
  setBackgroundTimeout,
  TimeSlice,
  type Touch,
} from 'connect-databank/backend'
import { checkMemoryOptions, type MemoryBankOptions } from './options.ts'
import { Session, SHARDS, Shard, shardIndexOf } from './shard.ts'

/** How often expired sessions are freed, in milliseconds. */
const SWEEP_INTERVAL = 5_000

/**
 * Keeps sessions in the memory of this process. It takes and returns text, so no caller holds a reference to what is stored. At a
 * limit, the least recently used session is removed. The bank frees expired sessions by itself.
 *
 * The methods of a request do their work at the call, and answer in the next turn of the event loop, as a database does. Then all
 * parallel requests take one step before any of them begins the next, and a whole request takes about a tenth less CPU.
 */
export class MemoryBank implements Bank {
  readonly name = 'memory'
  readonly isLocal = true
  readonly #maxEntries: number
  readonly #maxBytes: number
  readonly #shards: readonly Shard[] = Array.from({ length: SHARDS }, () => new Shard())
  /** The sentinel of the list in the order of use: its `newer` is the least recently used session. */
  readonly #ends = new Session('')
  #size = 0
  #bytes = 0
  #isClosed = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: MemoryBankOptions = {}) {
    checkMemoryOptions(options)
    this.#maxEntries = options.maxEntries ?? Infinity
    this.#maxBytes = options.maxBytes ?? Infinity
  }

  read(id: string): Promise<Stored | null> {
    if (this.#isClosed) return closed()
    return inNextTurn(this.#read(id))
  }

  readMany(ids: readonly string[]): Promise<(Stored | null)[]> {
    if (this.#isClosed) return closed()
    return inNextTurn(ids.map((id) => this.#read(id)))
  }

  /** Rejects with `DATABANK_INVALID_SESSION`, and changes nothing, if the entry alone is larger than `maxBytes`. */
  save(id: string, entry: Entry): Promise<void> {
    if (this.#isClosed) return closed()
    const bytes = this.#bytesOf(id, entry)
    if (bytes > this.#maxBytes) return this.#tooLarge(bytes)
    this.#put(id, entry, bytes)
    return inNextTurn(undefined)
  }

  /** Rejects as `save` does. */
  swap(id: string, expected: string | null, entry: Entry, now: number): Promise<string | null> {
    if (this.#isClosed) return closed()
    const bytes = this.#bytesOf(id, entry)
    if (bytes > this.#maxBytes) return this.#tooLarge(bytes)
    const session = this.#shardOf(id).get(id)
    const version = isLive(session, now) ? session.payload : null
    if (version !== expected) return inNextTurn(null)
    this.#put(id, entry, bytes)
    return inNextTurn(entry.payload)
  }

  delete(id: string): Promise<boolean> {
    if (this.#isClosed) return closed()
    const shard = this.#shardOf(id)
    const session = shard.get(id)
    if (session === undefined) return inNextTurn(false)
    this.#remove(shard, session)
    return inNextTurn(true)
  }

  touch(id: string, expires: number | null, now: number): Promise<void> {
    if (this.#isClosed) return closed()
    this.#touch(id, expires, now)
    return inNextTurn(undefined)
  }

  touchMany(touches: readonly Touch[], now: number): Promise<void> {
    if (this.#isClosed) return closed()
    for (const [id, expires] of touches) this.#touch(id, expires, now)
    return inNextTurn(undefined)
  }

  async *scan(): AsyncGenerator<readonly [id: string, stored: Stored]> {
    if (this.#isClosed) await closed()
    const slice = new TimeSlice()
    for (const shard of this.#shards) {
      for (const session of shard.all()) {
        if (shard.get(session.id) === session) yield [session.id, storedOf(session)]
        if (slice.isUsedUp()) await slice.yield()
      }
    }
  }

  async *idsOf(owner: string): AsyncGenerator<string> {
    if (this.#isClosed) await closed()
    const now = Date.now()
    const slice = new TimeSlice()
    for (const shard of this.#shards) {
      for (const session of shard.ofOwner(owner)) {
        if (session.owner === owner && isLive(session, now)) yield session.id
        if (slice.isUsedUp()) await slice.yield()
      }
    }
  }

  async count(now: number): Promise<number> {
    if (this.#isClosed) await closed()
    const slice = new TimeSlice()
    let expired = 0
    for (const shard of this.#shards) {
      expired += shard.expired(now).length
      if (slice.isUsedUp()) await slice.yield()
    }
    return this.#size - expired
  }

  async purge(now: number): Promise<number> {
    if (this.#isClosed) await closed()
    const slice = new TimeSlice()
    let removed = 0
    for (const shard of this.#shards) {
      for (const session of shard.expired(now)) {
        if (shard.get(session.id) === session && !isLive(session, now)) {
          this.#remove(shard, session)
          removed++
        }
        if (slice.isUsedUp()) await slice.yield()
      }
    }
    return removed
  }

  clear(): Promise<void> {
    if (this.#isClosed) return closed()
    this.#clear()
    return inNextTurn(undefined)
  }

  /** Forgets all sessions. */
  close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#clear()
    return inNextTurn(undefined)
  }

  #read(id: string): Stored | null {
    const session = this.#shardOf(id).get(id)
    if (session === undefined) return null
    this.#use(session)
    return storedOf(session)
  }

  #touch(id: string, expires: number | null, now: number): void {
    const shard = this.#shardOf(id)
    const session = shard.get(id)
    if (!isLive(session, now)) return
    shard.setExpires(session, expires)
    this.#use(session)
    if (expires !== null) this.#startTimer()
  }

  #put(id: string, entry: Entry, bytes: number): void {
    const shard = this.#shardOf(id)
    let session = shard.get(id)
    if (session === undefined) {
      session = shard.create(id)
      this.#size++
    }
    shard.set(session, entry)
    this.#bytes += bytes - session.bytes
    session.bytes = bytes
    this.#use(session)
    while (this.#size > this.#maxEntries || this.#bytes > this.#maxBytes) {
      const { newer: leastRecentlyUsed } = this.#ends
      this.#remove(this.#shardOf(leastRecentlyUsed.id), leastRecentlyUsed)
    }
    if (entry.expires !== null) this.#startTimer()
  }

  #remove(shard: Shard, session: Session): void {
    shard.delete(session)
    unlink(session)
    this.#size--
    this.#bytes -= session.bytes
  }

  /** Makes the session the most recently used one. Without a limit no order of use is kept. */
  #use(session: Session): void {
    if (this.#maxEntries === Infinity && this.#maxBytes === Infinity) return
    unlink(session)
    session.older = this.#ends.older
    session.newer = this.#ends
    session.older.newer = session
    session.newer.older = session
  }

  #clear(): void {
    for (const shard of this.#shards) shard.clear()
    this.#ends.older = this.#ends
    this.#ends.newer = this.#ends
    this.#size = 0
    this.#bytes = 0
  }

  #shardOf(id: string): Shard {
    return this.#shards[shardIndexOf(id)]!
  }

  #bytesOf(id: string, { payload, owner }: Entry): number {
    return this.#maxBytes === Infinity ? 0 : Buffer.byteLength(id) + Buffer.byteLength(payload) + Buffer.byteLength(owner ?? '')
  }

  #tooLarge(bytes: number): Promise<never> {
    const message = `MemoryBank: the session takes ${bytes} bytes; maxBytes allows ${this.#maxBytes} for all sessions`
    return Promise.reject(new DatabankError('DATABANK_INVALID_SESSION', message))
  }

  /** Runs while a session can expire. It has no reference to the bank, so that an unused bank is garbage collected. */
  #startTimer(): void {
    if (this.#timer !== undefined) return
    const reference = new WeakRef(this)
    this.#timer = setBackgroundTimeout(() => {
      const bank = reference.deref()
      if (bank !== undefined) void bank.#sweep()
    }, SWEEP_INTERVAL)
  }

  async #sweep(): Promise<void> {
    await this.purge(Date.now())
    this.#timer = undefined
    if (this.#shards.some((shard) => shard.canExpire)) this.#startTimer()
  }
}

function unlink({ older, newer }: Session): void {
  older.newer = newer
  newer.older = older
}

function storedOf({ payload, expires, owner }: Session): Stored {
  return { payload, expires, owner }
}

function closed(): Promise<never> {
  return Promise.reject(closedError('MemoryBank'))
}
