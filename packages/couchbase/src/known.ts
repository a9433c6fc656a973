import type { Cas } from './client.ts'
import type { Stored } from './documents.ts'

/** A document as it was when we last saw it. */
export interface Seen extends Stored {
  readonly cas: Cas
}

/** What an entry costs beside its text, roughly, in characters. */
const overhead = 200

/**
 * What the bank gave out or wrote last, by id: with its CAS, a swap or a touch of it needs no read before. What was not used for
 * long is forgotten when the memory is full; so nothing may depend on it.
 */
export class Known {
  readonly #limit: number
  readonly #entries = new Map<string, Seen>()
  #size = 0

  /** @param limit in characters */
  constructor(limit: number) {
    this.#limit = limit
  }

  get(id: string): Seen | undefined {
    return this.#entries.get(id)
  }

  set(id: string, seen: Seen): void {
    this.delete(id)
    this.#entries.set(id, seen)
    this.#size += sizeOf(id, seen)
    while (this.#size > this.#limit) this.delete(this.#entries.keys().next().value as string)
  }

  delete(id: string): void {
    const seen = this.#entries.get(id)
    if (seen === undefined) return
    this.#entries.delete(id)
    this.#size -= sizeOf(id, seen)
  }

  clear(): void {
    this.#entries.clear()
    this.#size = 0
  }
}

function sizeOf(id: string, { payload }: Seen): number {
  return id.length + payload.length + overhead
}
