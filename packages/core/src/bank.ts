/**
 * The contract between the store and a database: everything a backend has to know stands on this page.
 *
 * Three methods make a bank. Every other method is a capability: it is there or it is not, and its presence is the only
 * place where that is said. Rules that hold for all methods:
 *
 * - A method rejects only when the backend failed. Absence is a value.
 * - Nothing is written by an operation that rejects with a `DATABANK_INVALID_…` code.
 * - An id is any non-empty string: `../x`, `__proto__`, 10 kB, emoji, newlines, a lone surrogate. A bank keeps all of them
 *   apart and inside its own space.
 * - Time is absolute, in epoch milliseconds. The core has the one clock: it never serves a dead entry, so a bank may drop one
 *   at any moment and need not.
 * - A constructor does no I/O. A bank connects on first use or at `open()`. Its timers are unref'd.
 */

/** One stored session. */
export interface Entry {
  /** Opaque text. A bank never looks inside. */
  readonly payload: string
  /** When the entry dies, in epoch milliseconds; null if it never does. Exact: what the last save, swap or touch said. */
  readonly expires: number | null
}

/** A place that keeps sessions. */
export interface Bank {
  /** The entry under this id, or null. It may be dead. */
  read(id: string): Promise<Entry | null>

  /** Stores the entry, whatever was there. */
  save(id: string, entry: Entry): Promise<void>

  /** Removes the entry; answers whether there was one. */
  delete(id: string): Promise<boolean>

  /** Moves the death and leaves the payload alone. Never revives the dead; silent if there is nothing. */
  touch?(id: string, expires: number | null): Promise<void>

  /**
   * Compare-and-swap, atomic among all processes: stores the entry if the payload that is there equals `expected`, and
   * answers whether it did. `null` expects that nothing alive is there; a dead entry is no entry.
   */
  swap?(id: string, expected: string | null, entry: Entry): Promise<boolean>

  /** As many `read`s at once: the answers stand where their ids stood. */
  readMany?(ids: readonly string[]): Promise<(Entry | null)[]>

  /** As many `touch`es at once. */
  touchMany?(moves: readonly (readonly [id: string, expires: number | null])[]): Promise<void>

  /** Streams all entries, in any order, in bounded memory. Dead ones may be among them. */
  scan?(): AsyncIterable<readonly [id: string, entry: Entry]>

  /** How many entries are alive at `now`. */
  count?(now: number): Promise<number>

  /** Removes all entries of this bank, and nothing else that lives beside them. */
  clear?(): Promise<void>

  /** Frees what is dead at `now` and still is when it is deleted; answers how many that were. */
  purge?(now: number): Promise<number>

  /** Connects now, or fails now. */
  open?(): Promise<void>

  /** Ends what this bank opened; a client that was handed in stays the caller's. A closed bank answers `DATABANK_CLOSED`. */
  close?(): Promise<void>
}

/** Something between the store and a bank: coalescing, encryption, a near cache, tracing. */
export type Layer = (bank: Bank) => Bank

/** What a module exports so that a URL can open its bank. */
export interface BackendModule {
  /** Makes the bank that `url` names, without connecting. Options are those of the bank's constructor and win over the URL. */
  openBank(url: string, options?: Record<string, unknown>): Bank
}

/** Whether the entry lives at `now`. What expires at this very millisecond is dead. */
export function isAlive(entry: Entry | null | undefined, now: number): entry is Entry {
  return entry != null && (entry.expires === null || entry.expires > now)
}
