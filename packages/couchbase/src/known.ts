import type { Cas } from './client.ts'
import type { Stored } from './documents.ts'

/** A document as it was when we last saw it. */
export interface Seen extends Stored {
  readonly cas: Cas
}

/** What an entry costs beside its text, roughly, in characters. */
const overhead = 200

/**
 * What the bank gave out or wrote last, by id: with its CAS, a swap or a touch of it needs no read before, and a read of it no
 * decoding. Bounded: when the younger generation is full, it becomes the older one, and what was not seen since is forgotten; so
 * nothing may depend on it.
 */
export class Known {
  readonly #generationSize: number
  #young = new Map<string, Seen>()
  #old = new Map<string, Seen>()
  #size = 0

  /** @param limit in characters */
  constructor(limit: number) {
    this.#generationSize = limit / 2
  }

  get(id: string): Seen | undefined {
    return this.#young.get(id) ?? this.#old.get(id)
  }

  set(id: string, seen: Seen): void {
    const size = sizeOf(id, seen)
    // One that is too large would drive out all others.
    if (size > this.#generationSize) {
      this.delete(id)
      return
    }
    this.#size += size - this.#sizeOfYoung(id)
    if (this.#size > this.#generationSize) {
      this.#old = this.#young
      this.#young = new Map()
      this.#size = size
    }
    this.#young.set(id, seen)
  }

  delete(id: string): void {
    this.#size -= this.#sizeOfYoung(id)
    this.#young.delete(id)
    this.#old.delete(id)
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#size = 0
  }

  #sizeOfYoung(id: string): number {
    const seen = this.#young.get(id)
    return seen === undefined ? 0 : sizeOf(id, seen)
  }
}

/**
 * Whether the document with this CAS is the one that was seen. A document of connect-couchbase is never: its death stands
 * outside of it. A CAS that another SDK makes otherwise is never the same, which costs time only.
 */
export function isSame(seen: Seen, cas: Cas): boolean {
  if (seen.write === undefined) return false
  const [before, now] = [rawOf(seen.cas), rawOf(cas)]
  return before !== undefined && now !== undefined && before.compare(now) === 0
}

/** The SDK compares them as text, and to make that costs more than to compare a document. */
function rawOf(cas: Cas): Buffer | undefined {
  const raw = (cas as { raw?: unknown } | null | undefined)?.raw
  return Buffer.isBuffer(raw) ? raw : undefined
}

function sizeOf(id: string, { payload }: Seen): number {
  return id.length + payload.length + overhead
}
