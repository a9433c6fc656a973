import { type Stored, versionOf } from './bank.ts'
import { formOf, type ParsedSession, type SessionText } from './codec.ts'
import { isAgeChanged, isLater, laterOf, type SessionCookie } from './cookie.ts'
import { changedKeys } from './merge.ts'

/** The state in which a session object was loaded or last written. Changes are differences from it. Immutable. */
export interface Baseline {
  /** The id that the bank stores it under. */
  readonly id: string
  /** The session as this request loaded or last wrote it. */
  readonly text: SessionText
  /** The version that is stored, as far as this request knows. */
  readonly version: string
  /** Whether that version holds more than `text`: other requests' changes that a merge has kept. */
  readonly isMerged: boolean
  /** When the stored entry expires, as far as this request knows. */
  readonly expires: number | null
  /** The cookie as this request loaded or last wrote it. */
  readonly cookie: SessionCookie
  readonly owner: string | null
  /** When the session was created, in epoch milliseconds, if that is stored. */
  readonly created: number | undefined
  /** A write with an unknown result: it failed, or timed out, and may be stored now or later. */
  readonly unconfirmed: Unconfirmed | undefined
  /** Whether no write of this new session was confirmed, and nobody has seen it: then "missing" does not mean "destroyed". */
  readonly isNew: boolean
}

interface Unconfirmed {
  /** The last such write. */
  readonly text: SessionText
  /** The keys that earlier ones changed. */
  readonly keys: ReadonlySet<string>
}

/** What a touch changes: the cookie, and with it the expiry. */
export interface CookieDraft {
  readonly cookie: SessionCookie
  readonly expires: number | null
}

/** A session as it is to be written. */
export interface Draft extends CookieDraft {
  readonly text: SessionText
  readonly owner: string | null
  readonly created: number | undefined
}

/** What is stored, and its version. */
export interface StoredSession extends Omit<Draft, 'cookie'> {
  readonly version: string
}

const NO_KEYS: ReadonlySet<string> = new Set()

export function baselineOf(id: string, stored: StoredSession, cookie: SessionCookie): Baseline {
  const { text, version, expires, owner, created } = stored
  return { id, text, version, isMerged: false, expires, cookie, owner, created, unconfirmed: undefined, isNew: false }
}

/** The baseline of a new session whose first write begins. */
export function baselineOfNew(id: string, draft: Draft): Baseline {
  const { text, cookie } = draft
  return { ...baselineOf(id, storedAs(draft, text.text), cookie), unconfirmed: { text, keys: NO_KEYS }, isNew: true }
}

/** A write begins: until it is confirmed, the stored version is unknown. */
export function beforeSave(baseline: Baseline, draft: Draft): Baseline {
  return { ...baseline, unconfirmed: { text: draft.text, keys: unconfirmedKeys(baseline) } }
}

/** The write was refused before anything was stored: as much is unconfirmed as before it. */
export function afterRefusal(baseline: Baseline, before: Baseline): Baseline {
  return { ...baseline, unconfirmed: before.unconfirmed }
}

/** The write was stored, perhaps merged with changes of others. */
export function afterSave(baseline: Baseline, draft: Draft, stored: StoredSession): Baseline {
  const { version, expires, owner, created } = stored
  const isMerged = stored.text.text !== draft.text.text
  const { text, cookie } = draft
  return { id: baseline.id, text, version, isMerged, expires, cookie, owner, created, unconfirmed: undefined, isNew: false }
}

/** The cookie was stored, around data that may be merged with changes of others. An earlier write of data is as unconfirmed as before. */
export function afterCookieSave(baseline: Baseline, draft: Draft, stored: StoredSession): Baseline {
  return { ...afterSave(baseline, draft, stored), unconfirmed: baseline.unconfirmed }
}

/** The expiry was changed, and nothing else. */
export function afterTouch(baseline: Baseline, expires: number | null, cookie: SessionCookie): Baseline {
  return { ...baseline, expires, cookie }
}

/** The session was seen in the database, or its write was refused: now "missing" means "destroyed". */
export function afterSeen(baseline: Baseline): Baseline {
  return baseline.isNew ? { ...baseline, isNew: false } : baseline
}

/** The keys that writes with an unknown result have changed. */
function unconfirmedKeys({ text, unconfirmed }: Baseline): ReadonlySet<string> {
  if (unconfirmed === undefined) return NO_KEYS
  if (unconfirmed.text.text === text.text) return unconfirmed.keys
  return new Set([...unconfirmed.keys, ...changedKeys(formOf(text), formOf(unconfirmed.text))])
}

/** Whether the session is stored without an expiry, and its cookie has none either, as with `ttl: null`: then the store's own `ttl` applies. */
function hasNoExpiry(stored: number | null, { expires }: SessionCookie): boolean {
  return stored === null && expires === null
}

/**
 * When the session expires after a write: a write never shortens the stored expiry unless the request changed the cookie's own age.
 *
 * @param stored the expiry that the write replaces
 */
export function expiryAfter(baseline: Baseline, draft: CookieDraft, stored: number | null): number | null {
  if (isAgeChanged(baseline.cookie, draft.cookie) || hasNoExpiry(stored, draft.cookie)) return draft.expires
  return laterOf(stored, draft.expires)
}

/** Whether this write may shorten an expiry that another request has extended since: then the store must read the stored one first. */
export function mayShorten(baseline: Baseline, draft: CookieDraft): boolean {
  if (draft.expires === null || isLater(draft.expires, baseline.expires)) return false
  return !isAgeChanged(baseline.cookie, draft.cookie) && !hasNoExpiry(baseline.expires, draft.cookie)
}

/** Whether the stored expiry is known to be later than that of a touch which does not change the cookie's age: then it stays. */
export function isKnownLater(baseline: Baseline, draft: CookieDraft): boolean {
  return isLater(baseline.expires, draft.expires) && mayShorten(baseline, draft)
}

/** The baseline that a store remembers for a session object. */
export interface Tracked {
  /** The store's own mark: another store's baseline means nothing to it. */
  readonly tracker: object
  baseline: Baseline
  /** The baseline of another store for the same session object: an application may write to two stores during a move. */
  other?: Tracked | undefined
}

const TRACKED = Symbol('connect-databank')
/** For session objects that take no new property. */
const frozen = new WeakMap<object, Tracked>()

/** Remembers the baseline of a session object. The property is not enumerable, so it is neither stored, copied nor compared. */
export function track(session: object, tracked: Tracked): void {
  const before = remembered(session)
  if (before !== undefined && before.tracker !== tracked.tracker) tracked.other = before
  if (Object.isExtensible(session)) {
    Object.defineProperty(session, TRACKED, { value: tracked, configurable: true, writable: true, enumerable: false })
  } else frozen.set(session, tracked)
}

/** The baseline that this store remembers for a session object. */
export function trackedOf(session: unknown, tracker: object): Tracked | undefined {
  let tracked = typeof session === 'object' && session !== null ? remembered(session) : undefined
  while (tracked !== undefined && tracked.tracker !== tracker) tracked = tracked.other
  return tracked
}

function remembered(session: object): Tracked | undefined {
  const own = Object.hasOwn(session, TRACKED) ? (session as { [TRACKED]?: Tracked })[TRACKED] : undefined
  // It may have been frozen since.
  return (Object.isExtensible(session) ? undefined : frozen.get(session)) ?? own
}

/** The session that a write has stored, or is about to store. */
export function storedAs({ text, expires, owner, created }: Draft, version: string): StoredSession {
  return { text, version, expires, owner, created }
}

/** The session that a read has found. */
export function storedSession({ text, created }: ParsedSession, stored: Stored): StoredSession {
  return { text, version: versionOf(stored), expires: stored.expires, owner: stored.owner ?? null, created }
}
