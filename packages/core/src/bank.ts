/**
 * The contract between the store and a database: everything that a backend has to know is on this page.
 *
 * Three methods make a bank: `read`, `save` and `delete`. Every other method is an optional capability. A bank that has the
 * method has the capability; nothing else declares it. Rules for all methods:
 *
 * - A method rejects only when the database failed. Absence is a value.
 * - Nothing is written by an operation that rejects with a `DATABANK_INVALID_…` code.
 * - An id is well-formed Unicode of 1 to 200 bytes of UTF-8, and may hold any character: `../x`, `__proto__`, `*`, emoji, `\0`.
 *   A bank keeps different ids apart, byte by byte. Core replaces every other id by its SHA-256.
 * - A payload is well-formed Unicode text.
 * - Time is in epoch milliseconds. Core has the one clock and passes `now`. A bank reads no clock, except where the database
 *   expires entries by itself.
 * - A constructor does no I/O. A bank connects on first use or in `open()`. Its timers do not keep the process alive.
 */

/** The content that is stored under an id. */
export interface Entry {
  /** Opaque, well-formed Unicode text. A bank never looks inside. */
  readonly payload: string
  /** When the entry expires, in epoch milliseconds; null: never. Stored exactly. */
  readonly expires: number | null
  /**
   * The owner of the session: up to 1,024 bytes of UTF-8. Absent or null: no owner. Every `save` and `swap` replaces it, `touch`
   * keeps it, and a read returns it. A bank that has `idsOf` indexes it and does not interpret it.
   */
  readonly owner?: string | null
}

/** The result of a read. */
export interface Stored extends Entry {
  /** Opaque. Every `save` and `swap` that changes the payload changes it; `touch` does not. Absent: the payload is the version. */
  readonly version?: string
  /** The reason why the record is not a session, if the bank or a layer knows it. Then `payload` means nothing, and the session counts as missing. */
  readonly corrupt?: string
}

/** Facts about the bank's database. */
export interface BankDescription {
  /** The server with its version, such as `Redis 7.0.15`. */
  readonly server: string
}

/** A place that stores sessions. */
export interface Bank {
  /** The backend, such as `redis`. For metrics, health checks and messages. */
  readonly name?: string

  /**
   * Whether this machine's own memory or disk answers most reads. Then parsing a session takes longer than reading it, so core keeps
   * parsed sessions: up to about 40 MB. Default: false.
   */
  readonly isLocal?: boolean

  /** Returns the entry, or null. It may have expired: core checks. */
  read(id: string): Promise<Stored | null>

  /** Stores the entry unconditionally. Returns the new version, if the bank has versions of its own. */
  save(id: string, entry: Entry): Promise<string | void>

  /** Deletes the entry. Returns whether there was one. */
  delete(id: string): Promise<boolean>

  /** Changes the expiry only. An entry that is missing, or has expired at `now`, is left as it is. */
  touch?(id: string, expires: number | null, now: number): Promise<void>

  /**
   * Compare-and-swap, atomic across processes: stores the entry if the stored version equals `expected`. With `expected` null:
   * if nothing is stored that is unexpired at `now`. An entry that has expired at `now` matches null only.
   * Returns the new version (the payload, if the bank has no versions of its own), or null if it did not swap.
   */
  swap?(id: string, expected: string | null, entry: Entry, now: number): Promise<string | null>

  /** Several reads at once. The results are in the order of `ids`. */
  readMany?(ids: readonly string[]): Promise<(Stored | null)[]>

  /** Several touches at once. */
  touchMany?(touches: readonly Touch[], now: number): Promise<void>

  /** Streams all entries, in any order, in bounded memory. Expired ones may be among them; records that are no entries are left out. */
  scan?(): AsyncIterable<readonly [id: string, stored: Stored]>

  /** The ids of the unexpired entries of one owner. Finds every entry whose `save` or `swap` had ended before the call. */
  idsOf?(owner: string): AsyncIterable<string>

  /**
   * Makes sure that `idsOf` finds this entry, which is stored with this owner. Only for a bank whose index is separate from its entries, and
   * may be lost alone.
   */
  indexOwner?(id: string, owner: string): Promise<void>

  /** How many entries are unexpired at `now`. */
  count?(now: number): Promise<number>

  /** Deletes all entries of this bank, and nothing else that is stored beside them. */
  clear?(): Promise<void>

  /** Deletes entries that have expired at `now`, re-checked when deleting. Returns how many. */
  purge?(now: number): Promise<number>

  /** The server. For health checks and operators. */
  describe?(): Promise<BankDescription>

  /** Connects now, or rejects now. */
  open?(): Promise<void>

  /** Closes what this bank opened; a client that was handed in stays open. A closed bank rejects with `DATABANK_CLOSED`. */
  close?(): Promise<void>
}

/** A touch of several: the id, and the new expiry in epoch milliseconds or null. */
export type Touch = readonly [id: string, expires: number | null]

/** A function from bank to bank: coalescing, encryption, a near cache, tracing. */
export type Layer = (bank: Bank) => Bank

/** Values and functions that the store gives its bank. */
export interface BankContext {
  /** The store's `timeout` in milliseconds: how long it waits for one operation. Waits inside the bank are shorter. */
  readonly timeout: number
  /** Writes a warning to the store's log. `fields` must hold no session data and no whole session id. */
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** The exports of a backend package with which a URL opens its bank. */
export interface BackendModule {
  /** Makes the bank that `url` names, without connecting. Options win over the URL. */
  openBank(url: string, options: Record<string, unknown>, context: BankContext): Bank
}

export { isLive, versionOf } from './entries.ts'

/** A method of the contract. */
export type BankMethod = Exclude<keyof Bank, 'name' | 'isLocal'>

/** All methods of the contract. */
export const BANK_METHODS = [
  'read',
  'save',
  'delete',
  'touch',
  'swap',
  'readMany',
  'touchMany',
  'scan',
  'idsOf',
  'indexOwner',
  'count',
  'clear',
  'purge',
  'describe',
  'open',
  'close',
] as const satisfies readonly BankMethod[]

/**
 * A bank with some methods replaced and all other capabilities kept. A method whose override is undefined is removed.
 * Layers use it.
 */
export function extend(bank: Bank, overrides: { readonly [Method in keyof Bank]?: Bank[Method] | undefined }): Bank {
  const { name } = bank
  const isLocal = overrides.isLocal ?? bank.isLocal
  const extended: Record<string, unknown> = { ...(name !== undefined && { name }), ...(isLocal !== undefined && { isLocal }) }
  for (const name of BANK_METHODS) {
    const method = Object.hasOwn(overrides, name) ? overrides[name] : bank[name]?.bind(bank)
    if (method !== undefined) extended[name] = method
  }
  return extended as unknown as Bank
}
