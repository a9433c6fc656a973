import { isLive, LruCache, type Stored } from 'connect-databank/backend'

/** What an entry takes beside its text, in bytes: the strings' heads, the entry, the slots in maps. */
const OVERHEAD = 256

/**
 * Entries as they were read, while the server reports each change. Until the report of a change arrives, the cache has the entry from
 * before. It never keeps:
 * - an entry that was changed while it was being read: the report may arrive before the answer to an earlier read;
 * - an entry that was read when reports could get lost.
 */
export class NearCache {
  readonly #kept: LruCache<Stored>
  /** An object for the reads, or for the write, of an id that are under way. Those that begin after a change get another one. */
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

  /** No longer: the connection is lost, or silent. */
  off(): void {
    this.#isOn = false
    this.forgetAll()
  }

  /** Somebody else has written, touched or deleted the entry with this id; null: any entry. */
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

  /** Keeps what is read, if nothing changes meanwhile and no other read ends before. Returns the read. */
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
   * Keeps what a write of this process has stored, which `storedBy` makes of the answer. Keeps nothing if the entry is changed meanwhile,
   * or if a read or another write of this process crosses this one: the order in which the server ran them is unknown. Returns the write.
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

  /** A record that is no session is not kept. */
  #keep(id: string, stored: Stored | null): void {
    this.forget(id)
    if (stored !== null && stored.corrupt === undefined) this.#kept.set(id, stored)
  }
}

/** Of memory, at most: V8 holds a character in one byte or in two. */
function bytesOf({ payload, owner, version }: Stored, id: string): number {
  const isAscii = Buffer.byteLength(payload) === payload.length
  const others = id.length + (owner?.length ?? 0) + (version?.length ?? 0)
  return (isAscii ? payload.length : 2 * payload.length) + 2 * others + OVERHEAD
}
