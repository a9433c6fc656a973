import { type Bank, type Entry, isAlive } from 'connect-databank'
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
 *
 * Bounded: when the younger of two generations is full it becomes the older one, and what was not asked for since is dropped.
 */
export class NearCache implements ChangeListener {
  readonly #limit: number
  readonly #loading = new Map<string, Loading>()
  #isOn = false
  #young = new Map<string, Entry>()
  #old = new Map<string, Entry>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#limit = maxBytes / 2
  }

  /** How many entries are kept. */
  get size(): number {
    return this.#young.size + this.#old.size
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
    const young = this.#young.get(id)
    const entry = young ?? this.#old.get(id)
    if (entry === undefined) return undefined
    if (!isAlive(entry, Date.now())) {
      this.#drop(id)
      return undefined
    }
    if (young === undefined) {
      this.#old.delete(id)
      this.#keep(id, entry)
    }
    return entry
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
    this.#drop(id)
    if (entry !== null) this.#keep(id, entry)
  }

  /** Drops the entry, and keeps no answer to a read that has begun. */
  forget(id: string): void {
    this.#loading.delete(id)
    this.#drop(id)
  }

  forgetAll(): void {
    this.#loading.clear()
    this.#young.clear()
    this.#old.clear()
    this.#bytes = 0
  }

  #drop(id: string): void {
    const young = this.#young.get(id)
    if (young !== undefined) {
      this.#young.delete(id)
      this.#bytes -= bytesOf(id, young)
    } else this.#old.delete(id)
  }

  /** What is not in either generation. */
  #keep(id: string, entry: Entry): void {
    const bytes = bytesOf(id, entry)
    if (bytes > this.#limit) return
    this.#bytes += bytes
    if (this.#bytes > this.#limit) {
      this.#old = this.#young
      this.#young = new Map()
      this.#bytes = bytes
    }
    this.#young.set(id, entry)
  }
}

/** Of memory, at most: V8 holds a character in one byte or in two. */
function bytesOf(id: string, { payload }: Entry): number {
  const isAscii = Buffer.byteLength(payload) === payload.length
  return (isAscii ? payload.length : 2 * payload.length) + 2 * id.length + OVERHEAD
}

/**
 * The layer that reads from the cache what it keeps. A write of ours empties its place at once, and again when it is answered:
 * what was read between may be older or younger than it.
 */
export function withNearCache(bank: Required<Bank>, cache: NearCache): Required<Bank> {
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
  const writing = <Answer>(id: string, write: () => Promise<Answer>) => around(() => cache.forget(id), write)
  const forgetAll = () => cache.forgetAll()
  return {
    read,
    // Those that are missing go out together by the layer below.
    readMany: (ids) => Promise.all(ids.map(read)),
    save: (id, entry) => writing(id, () => bank.save(id, entry)),
    swap: (id, expected, entry) => writing(id, () => bank.swap(id, expected, entry)),
    delete: (id) => writing(id, () => bank.delete(id)),
    touch: (id, expires) => writing(id, () => bank.touch(id, expires)),
    touchMany: (moves) => {
      const forget = () => {
        for (const [id] of moves) cache.forget(id)
      }
      return around(forget, () => bank.touchMany(moves))
    },
    clear: () => around(forgetAll, () => bank.clear()),
    // What is dead by now is not served anyway.
    purge: (now) => (now <= Date.now() ? bank.purge(now) : around(forgetAll, () => bank.purge(now))),
    scan: () => bank.scan(),
    count: (now) => bank.count(now),
    open: () => bank.open(),
    close: () => bank.close(),
  }
}
