import { isLive, LruCache, type Stored } from 'connect-databank/backend'

/** The memory of an entry without its text, in bytes: headers of strings, the entry, the slots in maps. */
const OVERHEAD = 256

/**
 * A cache of entries, while the server reports each change. Until the report arrives, the cache has the old entry. It never keeps:
 * - an entry that was changed while it was being read: the report may arrive before the answer to an earlier read;
 * - an entry that was read when reports could get lost.
 */
export class NearCache {
  readonly #kept: LruCache<Stored>
  /** A token for the reads or the write of an id under way. Those that begin after a change get another token. */
  readonly #loading = new Map<string, object>()
  #isOn = false

  constructor(maxBytes: number) {
    this.#kept = new LruCache(maxBytes, bytesOf)
  }

  get size(): number {
    return this.#kept.size
  }

  /** From now on, the server reports every change. */
  on(): void {
    this.#isOn = true
  }

  /** From now on, changes may be missed: the connection is lost, or silent. */
  off(): void {
    this.#isOn = false
    this.forgetAll()
  }

  /** Another connection has written, touched or deleted the entry with this id; null: any entry. */
  changed(id: string | null): void {
    if (id === null) this.forgetAll()
    else this.forget(id)
  }

  /** The entry, if it is kept and has not expired. */
  get(id: string): Stored | undefined {
    const stored = this.#kept.get(id)
    if (stored === undefined || isLive(stored, Date.now())) return stored
    this.#kept.delete(id)
    return undefined
  }

  /** Keeps the result of the read, if nothing changes meanwhile and no other read ends before. Returns the read. */
  reading(id: string, read: Promise<Stored | null>): Promise<Stored | null> {
    const loading = this.#begin(id)
    read.then(
      (stored) => {
        if (this.#loading.get(id) === loading) this.#keep(id, stored)
      },
      () => this.forget(id),
    )
    return read
  }

  /**
   * Keeps the entry that a write of this process has stored; `storedBy` makes it from the answer. Keeps nothing if the entry changes
   * meanwhile, or if a read or another write of this process overlaps, because their order on the server is unknown. Returns the write.
   */
  writing<T>(id: string, write: Promise<T>, storedBy: (answer: T) => Stored | null): Promise<T> {
    // No answer to a read that has begun is kept: it may be older than the write.
    this.#loading.delete(id)
    const loading = this.#begin(id)
    write.then(
      (answer) => this.#keep(id, this.#loading.get(id) === loading ? storedBy(answer) : null),
      () => this.forget(id),
    )
    return write
  }

  /** Drops the entry, and keeps no answer to a read that has begun. */
  forget(id: string): void {
    this.#loading.delete(id)
    this.#kept.delete(id)
  }

  forgetAll(): void {
    this.#loading.clear()
    this.#kept.clear()
  }

  #begin(id: string): object {
    const loading = this.#loading.get(id) ?? {}
    if (this.#isOn) this.#loading.set(id, loading)
    return loading
  }

  /** A corrupt record is not kept. */
  #keep(id: string, stored: Stored | null): void {
    this.forget(id)
    if (stored !== null && stored.corrupt === undefined) this.#kept.set(id, stored)
  }
}

/** An upper limit of the memory: V8 stores a character in one or two bytes. */
function bytesOf({ payload, owner, version }: Stored, id: string): number {
  const isAscii = Buffer.byteLength(payload) === payload.length
  const others = id.length + (owner?.length ?? 0) + (version?.length ?? 0)
  return (isAscii ? payload.length : 2 * payload.length) + 2 * others + OVERHEAD
}
