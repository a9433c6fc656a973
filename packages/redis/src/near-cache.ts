import { type Bank, type Entry, isAlive, Recent, TransientMap } from 'connect-databank'
import type { ChangeListener } from './tracking.ts'

/** What an entry weighs beside its text: two strings' heads, the entry, its places in the maps. */
const OVERHEAD = 256

/** A read, or more of one id, under way. It is the very object that counts: once the id was forgotten, another takes its place. */
interface Loading {
  readers: number
}

/**
 * Entries as they were read, as long as somebody tells of each change. It may be behind by what that news takes to come. Never:
 * - what was changed while it was being read. The news of a change may overtake the answer to a read that came before it;
 * - what was read, or kept, when news could get lost.
 */
export class NearCache implements ChangeListener {
  readonly #kept: Recent<Entry>
  readonly #loading = new TransientMap<string, Loading>()
  #isOn = false

  constructor(maxBytes: number) {
    this.#kept = new Recent(maxBytes, bytesOf)
  }

  /** How many entries are kept. */
  get size(): number {
    return this.#kept.size
  }

  on(): void {
    this.#isOn = true
  }

  off(): void {
    this.#isOn = false
    this.forgetAll()
  }

  changed(id: string | null): void {
    if (id === null) this.forgetAll()
    else this.forget(id)
  }

  /** The entry, if it is kept and lives. */
  get(id: string): Entry | undefined {
    const entry = this.#kept.get(id)
    if (entry === undefined || isAlive(entry, Date.now())) return entry
    this.#kept.delete(id)
    return undefined
  }

  /** A read begins; undefined if its answer is not to be kept. */
  begin(id: string): Loading | undefined {
    if (!this.#isOn) return undefined
    let loading = this.#loading.get(id)
    if (loading === undefined) {
      loading = { readers: 0 }
      this.#loading.set(id, loading)
    }
    loading.readers += 1
    return loading
  }

  /** It has ended, with this entry or none. */
  end(id: string, loading: Loading, entry: Entry | null): void {
    if (this.#loading.get(id) !== loading) return
    loading.readers -= 1
    if (loading.readers === 0) this.#loading.delete(id)
    if (entry === null) this.#kept.delete(id)
    else this.#kept.set(id, entry)
  }

  /**
   * A write of ours begins. No answer to a read that has begun is kept, nor one to a read that begins before the write is answered:
   * it may be older than the write. Undefined if what the write leaves is not to be kept.
   */
  beginWrite(id: string): Loading | undefined {
    this.#loading.delete(id)
    return this.begin(id)
  }

  /** It has left this entry, or none; if others changed it meanwhile, nobody knows. */
  endWrite(id: string, writing: Loading, entry: Entry | null): void {
    if (this.#loading.get(id) !== writing) return
    // The text that is kept is old in the collector's eyes already; an equal one, new with each touch, would be work for it.
    const payload = this.#kept.get(id)?.payload
    this.forget(id)
    if (entry !== null) this.#kept.set(id, payload === entry.payload ? { payload, expires: entry.expires } : entry)
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
function bytesOf({ payload }: Entry, id: string): number {
  const isAscii = Buffer.byteLength(payload) === payload.length
  return (isAscii ? payload.length : 2 * payload.length) + 2 * id.length + OVERHEAD
}

/** Moves the death of what is under the id and reads it, in one command. */
export type Renew = (id: string, expires: number | null) => Promise<Entry | null>

/**
 * The layer that reads from the cache what it keeps. A write of ours empties its place at once, and fills it when it is answered with
 * what it left: unless others have changed that meanwhile, for they may have done so after it.
 *
 * A session in use is touched by every request. The server does not tell us of what we do ourselves, nor of what others did just
 * before: so a touch reads what it has touched. Without `renew` it empties the place, and is of little use beside such a cache.
 */
export function withNearCache(bank: Required<Bank>, cache: NearCache, renew?: Renew): Required<Bank> {
  const read = (id: string): Promise<Entry | null> => {
    const kept = cache.get(id)
    if (kept !== undefined) return Promise.resolve(kept)
    const loading = cache.begin(id)
    if (loading === undefined) return bank.read(id)
    return bank.read(id).then(
      (entry) => {
        cache.end(id, loading, entry)
        return entry
      },
      (error) => {
        cache.end(id, loading, null)
        throw error
      },
    )
  }
  const around = <Answer>(forget: () => void, write: () => Promise<Answer>): Promise<Answer> => {
    forget()
    const writing = write()
    writing.then(forget, forget)
    return writing
  }
  /** `left` says what the write has left, of its answer. */
  const leaving = <Answer>(id: string, write: () => Promise<Answer>, left: (answer: Answer) => Entry | null): Promise<Answer> => {
    const loading = cache.beginWrite(id)
    const writing = write()
    writing.then(
      (answer) => {
        if (loading !== undefined) cache.endWrite(id, loading, left(answer))
      },
      () => cache.forget(id),
    )
    return writing
  }
  const touch = async (id: string, expires: number | null): Promise<void> => {
    if (renew === undefined)
      await around(
        () => cache.forget(id),
        () => bank.touch(id, expires),
      )
    else
      await leaving(
        id,
        () => renew(id, expires),
        (entry) => entry,
      )
  }
  const forgetAll = () => cache.forgetAll()
  return {
    read,
    // Those that are missing go out together by the layer below.
    readMany: (ids) => Promise.all(ids.map(read)),
    save: (id, entry) => {
      cache.forget(id)
      return leaving(
        id,
        () => bank.save(id, entry),
        () => entry,
      )
    },
    swap: (id, expected, entry) => {
      cache.forget(id)
      return leaving(
        id,
        () => bank.swap(id, expected, entry),
        (isDone) => (isDone ? entry : null),
      )
    },
    delete: (id) =>
      around(
        () => cache.forget(id),
        () => bank.delete(id),
      ),
    touch,
    touchMany: async (moves) => void (await Promise.all(moves.map(([id, expires]) => touch(id, expires)))),
    clear: () => around(forgetAll, () => bank.clear()),
    // What is dead by now is not served anyway.
    purge: (now) => (now <= Date.now() ? bank.purge(now) : around(forgetAll, () => bank.purge(now))),
    scan: () => bank.scan(),
    count: (now) => bank.count(now),
    open: () => bank.open(),
    close: () => bank.close(),
  }
}
