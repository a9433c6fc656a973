import { Snapshot } from './snapshot.ts'

/** How many characters of payloads are kept in two generations of equal size: with the parsed forms about 40 MB at most. */
const generationCharacters = 2 ** 23
/** A payload longer than this would drive out too many others. */
const longest = 2 ** 17

/**
 * The last snapshot of each of many sessions. Kept by id, and valid for the very text it was made of: to compare two texts is cheaper
 * than to hash one. Bounded: when the younger generation is full, it becomes the older one, and what was not asked for since is
 * dropped.
 */
export class Snapshots {
  #young = new Map<string, Snapshot>()
  #old = new Map<string, Snapshot>()
  #characters = 0

  /** The snapshot of this text: the one that is kept for the id, if it is of that. */
  of(id: string, text: string): Snapshot {
    const young = this.#young.get(id)
    if (young !== undefined && young.text === text) return young
    const old = young === undefined ? this.#old.get(id) : undefined
    const snapshot = old !== undefined && old.text === text ? old : new Snapshot(text)
    this.keep(id, snapshot)
    return snapshot
  }

  keep(id: string, snapshot: Snapshot): void {
    const { length } = snapshot.text
    if (length > longest) return
    this.#characters += length - (this.#young.get(id)?.text.length ?? 0)
    if (this.#characters > generationCharacters) {
      this.#old = this.#young
      this.#young = new Map()
      this.#characters = length
    }
    this.#young.set(id, snapshot)
  }
}
