import { type Mortal, Wheel } from './wheel.ts'

/**
 * What a memory bank holds. The ids are spread over many small maps: one map of a million entries stops the event loop for a
 * tenth of a second each time it grows.
 */
const shards = 256

/** Something kept. Its strings never change hands by reference to this object, so nobody outside can alter it. */
export class Kept implements Mortal {
  readonly id: string
  payload: string
  bytes: number
  expires = Infinity
  slot: Mortal['slot'] = null
  place = 0
  /** The neighbours in order of use; only a bounded bank keeps them. */
  older: Kept | null = null
  newer: Kept | null = null

  constructor(id: string, payload: string, bytes: number) {
    this.id = id
    this.payload = payload
    this.bytes = bytes
  }
}

export class Place {
  readonly wheel = new Wheel<Kept>(Date.now())
  readonly maps: readonly Map<string, Kept>[] = Array.from({ length: shards }, () => new Map())
  size = 0
  bytes = 0
  readonly #ordered: boolean
  #oldest: Kept | null = null
  #newest: Kept | null = null

  /** `ordered`: whether the order of use is kept. */
  constructor(ordered: boolean) {
    this.#ordered = ordered
  }

  get(id: string): Kept | undefined {
    return this.maps[shardOf(id)]!.get(id)
  }

  put(id: string, payload: string, expires: number, bytes: number): void {
    const kept = this.get(id) ?? this.#create(id, bytes)
    this.bytes += bytes - kept.bytes
    kept.bytes = bytes
    kept.payload = payload
    this.wheel.move(kept, expires)
    this.use(kept)
  }

  remove(kept: Kept): void {
    this.wheel.remove(kept)
    this.forget(kept)
  }

  /** Removes what the wheel has let go of already. */
  forget(kept: Kept): void {
    this.maps[shardOf(kept.id)]!.delete(kept.id)
    this.size--
    this.bytes -= kept.bytes
    if (this.#ordered) this.#unlink(kept)
  }

  /** The one that was not used for the longest time. */
  get oldest(): Kept | null {
    return this.#oldest
  }

  /** Makes it the one that was used last. */
  use(kept: Kept): void {
    if (!this.#ordered || this.#newest === kept) return
    this.#unlink(kept)
    kept.older = this.#newest
    if (this.#newest !== null) this.#newest.newer = kept
    this.#newest = kept
    this.#oldest ??= kept
  }

  #create(id: string, bytes: number): Kept {
    const kept = new Kept(id, '', bytes)
    this.maps[shardOf(id)]!.set(id, kept)
    this.size++
    this.bytes += bytes
    return kept
  }

  #unlink(kept: Kept): void {
    if (kept.older !== null) kept.older.newer = kept.newer
    if (kept.newer !== null) kept.newer.older = kept.older
    if (this.#oldest === kept) this.#oldest = kept.newer
    if (this.#newest === kept) this.#newest = kept.older
    kept.older = null
    kept.newer = null
  }
}

/** Of all its characters: who makes ids of his own may let them begin and end alike. */
function shardOf(id: string): number {
  let hash = id.length
  for (let at = 0; at < id.length; at++) hash = (Math.imul(hash, 31) + id.charCodeAt(at)) | 0
  return (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (shards - 1)
}
