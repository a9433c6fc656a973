import { Recent } from './recent.ts'
import { Snapshot } from './snapshot.ts'

/** How many characters of payloads are kept: with the parsed forms about 40 MB at most. */
const mostCharacters = 2 ** 24
/** A payload longer than this would drive out too many others. */
const longest = 2 ** 17

/**
 * The last snapshot of each of many sessions. Kept by id, and valid for the very text it was made of: to compare two texts is cheaper
 * than to hash one.
 */
export class Snapshots {
  readonly #kept = new Recent<Snapshot>(mostCharacters, ({ text }) => text.length)

  /** The snapshot of this text: the one that is kept for the id, if it is of that. */
  of(id: string, text: string): Snapshot {
    const kept = this.#kept.get(id)
    if (kept !== undefined && kept.text === text) return kept
    const snapshot = new Snapshot(text)
    this.keep(id, snapshot)
    return snapshot
  }

  keep(id: string, snapshot: Snapshot): void {
    if (snapshot.text.length <= longest) this.#kept.set(id, snapshot)
  }
}
