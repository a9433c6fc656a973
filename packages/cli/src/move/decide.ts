import { isLater, type Stored } from 'connect-databank/backend'
import { isSameSession } from './content.ts'
import { isAsWritten, type Known } from './memory.ts'

/**
 * What to do about a live session of the source:
 *
 * - `write`: store the source's session on the target, in place of the session that was read there.
 * - `nothing`: the target has it already.
 * - `newer`, `differing`: keep the target's session, and remember why. See `State`.
 */
export type Decision = 'write' | 'nothing' | 'newer' | 'differing'

export interface Situation {
  /** Live. */
  readonly source: Stored
  /** Live, or null. */
  readonly target: Stored | null
  readonly known: Known | undefined
  readonly now: number
  /** Whether the target returns owners. */
  readonly hasOwners: boolean
  /** Whether the application does not use the target yet, so that all its sessions come from earlier runs. */
  readonly isMirror: boolean
}

export function decide(situation: Situation): Decision {
  const { source, target, known, isMirror } = situation
  if (known?.state === 'newer') return 'newer'
  const written = (known?.written ?? known?.unconfirmed) === undefined ? undefined : known
  if (target === null) return written === undefined || hasExpired(written, situation) ? 'write' : 'newer'
  if (isSameSession(source, target)) {
    return lacksOwner(situation, target, written) || lacksExpiry(source, target, written) ? 'write' : 'nothing'
  }
  if (written !== undefined) return isAsWritten(written, target) ? 'write' : 'newer'
  if (isMirror) return 'write'
  // Each request extends its session: the side with the later expiry was used last.
  return isLater(target.expires, source.expires) ? 'newer' : 'differing'
}

/** Whether the written session has expired since. Otherwise the application has ended the missing session. */
function hasExpired({ written, expires }: Known, { now }: Situation): boolean {
  return written === undefined || (expires !== null && expires <= now)
}

/** A source without owners does not remove the target's. */
function lacksOwner({ source, hasOwners }: Situation, target: Stored, written: Known | undefined): boolean {
  return hasOwners && source.owner != null && source.owner !== target.owner && source.owner !== written?.owner
}

function lacksExpiry(source: Stored, target: Stored, written: Known | undefined): boolean {
  if (written === undefined) return isLater(source.expires, target.expires)
  if (written.expires === source.expires) return false
  // Touched on the source: the target follows exactly, also to a sooner expiry, unless it was touched there as well.
  return isExtended(target, written.expires) ? isLater(source.expires, target.expires) : source.expires !== target.expires
}

/** Columns of whole seconds round an expiry up, in milliseconds. */
const COARSEST_UNIT = 1_000

/** Whether the target's session expires later than it did. */
export function isExtended(target: Stored, expires: number | null): boolean {
  return expires !== null && isLater(target.expires, expires + COARSEST_UNIT)
}
