import { isLive, LruCache, type Stored } from 'connect-databank/backend'

/** What an entry takes beside its text, in bytes: the strings' heads, the entry, the slots in maps. */
const OVERHEAD = 256

/** Reads or a write of one id that are under way. After a change, another object takes its place. */
type Loading = object

/**
 * Entries as they were read, while the server reports each change. The cache may be behind by what the news of a change takes to come. It
 * never keeps:
 * - an entry that was changed while it was being read: the news may overtake the answer to an earlier read;
 * - an entry that was read when news could get lost.
 */
export class NearCache {
  readonly #kept: LruCache<Stored>
  readonly #loading = new Map<string, Loading>()
  #isOn = false

  constructor(maxBytes: number) {
    this.#kept = new LruCache(maxBytes, bytesOf)
  }

  /** How many entries are kept. */
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

  beginRead(id: string): Loading {
    const loading = this.#loading.get(id) ?? {}
    if (this.#isOn) this.#loading.set(id, loading)
    return loading
  }

  /** The read has ended, with this entry or none. It is kept if nothing has changed since, and no other read has ended. */
  endRead(id: string, loading: Loading, stored: Stored | null): void {
    if (this.#loading.get(id) !== loading) return
    this.forget(id)
    if (stored !== null) this.#kept.set(id, stored)
  }

  /** A write of this process begins. No answer to a read that has begun is kept: it may be older than the write. */
  beginWrite(id: string): Loading {
    this.#loading.delete(id)
    return this.beginRead(id)
  }

  /**
   * The write has stored this entry, or none. If others changed the entry meanwhile, or a read or another write of this process crossed
   * this one, nobody knows what is stored.
   */
  endWrite(id: string, writing: Loading, stored: Stored | null): void {
    if (this.#loading.get(id) === writing) this.endRead(id, writing, stored)
    else this.forget(id)
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
}

/** Of memory, at most: V8 holds a character in one byte or in two. */
function bytesOf({ payload, owner, version }: Stored, id: string): number {
  const isAscii = Buffer.byteLength(payload) === payload.length
  const others = id.length + (owner?.length ?? 0) + (version?.length ?? 0)
  return (isAscii ? payload.length : 2 * payload.length) + 2 * others + OVERHEAD
}
