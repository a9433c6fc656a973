import { createHash } from 'node:crypto'
import type { Entry, Stored } from './bank.ts'
import { DatabankError } from './errors.ts'

/** The longest id that a bank gets, in bytes of UTF-8. */
export const LONGEST_ID = 200
/** An id of fewer characters is short enough whatever they are: a character takes three bytes at most for each of its code units. */
const SURELY_SHORT = Math.floor(LONGEST_ID / 3)

/** How session ids become the ids that a bank stores under. */
export interface IdRules {
  /** Whether ids are stored as their SHA-256. */
  readonly isHashed: boolean
  /** Whether a session that is stored under its plain id is found as well. */
  readonly acceptsPlain: boolean
}

export function idRules(hashIds: boolean | { acceptPlain?: boolean } = false): IdRules {
  return { isHashed: hashIds !== false, acceptsPlain: typeof hashIds === 'object' && hashIds.acceptPlain === true }
}

/**
 * The form of a hash. A session id of this form is never taken for a plain one: otherwise a stored id could be used as a session id by
 * somebody who has read the database.
 */
const HASH = /^[0-9a-f]{64}$/

/** The plain id that a session may be stored under beside its hash; undefined if there is none. */
export function plainIdOf({ acceptsPlain }: IdRules, sid: string): string | undefined {
  return acceptsPlain && !HASH.test(sid) ? bankIdOf(sid) : undefined
}

/**
 * The id that a bank stores a session under: the session id, or its SHA-256 if it is longer than 200 bytes or not well-formed.
 *
 * @throws DATABANK_INVALID_ID if it is not a non-empty string
 */
export function bankIdOf(sid: unknown): string {
  requireId(sid)
  const isShort = sid.length <= SURELY_SHORT || Buffer.byteLength(sid) <= LONGEST_ID
  return isShort && sid.isWellFormed() ? sid : hashedIdOf(sid)
}

/** The SHA-256 of a session id. It is computed from the code units, so different malformed ids have different hashes. */
export function hashedIdOf(sid: unknown): string {
  requireId(sid)
  const bytes = sid.isWellFormed() ? Buffer.from(sid) : Buffer.from(sid, 'utf16le')
  return createHash('sha256').update(bytes).digest('hex')
}

export function requireId(sid: unknown): asserts sid is string {
  if (typeof sid !== 'string' || sid === '') {
    throw new DatabankError('DATABANK_INVALID_ID', 'a session id must be a non-empty string')
  }
}

/** Whether there is an entry that is unexpired at `now`. An entry expires at the very millisecond that `expires` names. */
export function isLive<E extends Entry>(entry: E | null | undefined, now: number): entry is E {
  return entry != null && (entry.expires === null || entry.expires > now)
}

/** The version of a stored entry: its own, or the payload. */
export function versionOf(stored: Stored): string {
  return stored.version ?? stored.payload
}
