import type { Entry } from './bank.ts'
import { newEntry } from './entry.ts'
import { isSameData } from './merge.ts'
import { isCookieChanged } from './record.ts'
import type { Revision, Snapshot } from './snapshot.ts'

/** What a request's session object remembers of where it came from. */
export interface View {
  readonly id: string
  /** What this request knows: the record as it loaded or last wrote it. Its changes are measured against this. */
  base: Snapshot
  /** What is stored, as far as we know: after a merge it holds more than `base`. The next swap expects this. */
  expected: Snapshot
  /** When the stored entry dies, as far as we know: after a merge perhaps later than the request's own cookie says. */
  expires: number | null
  /** When it dies by what was loaded, or last asked for: what the request's cookie says, unless somebody moves it. */
  asked: number | null
  /** The cookie's fields as they are stored. */
  cookie: Record<string, unknown>
  /** A save that was not answered well in time, or not yet: it may be stored, now or later. */
  attempt?: Draft | undefined
  /** No save of it has ended well, and nobody has seen it: it may never have been stored. What was, and is not there, is gone. */
  isNew?: boolean | undefined
  /** The keys that earlier ones of this kind changed: stored or not, what we hold of them is to be written. */
  doubted?: ReadonlySet<string> | undefined
}

/** A record and when it dies. */
export interface Stored {
  readonly record: Snapshot
  readonly expires: number | null
}

/** A session to be written, as it was when the caller asked for it. */
export interface Draft extends Stored, CookieDraft, Revision {
  /** What it was made of, if the session was loaded. */
  readonly base: Snapshot | undefined
}

/** What of it a write writes that leaves the data alone. */
export interface CookieDraft {
  readonly expires: number | null
  readonly cookie: Record<string, unknown>
}

/**
 * Whether a longer life that others have given the session is to be left alone by this save: its request has not moved the death since
 * it was loaded or last asked for, or knows of that life and only counts the same cookie's age anew.
 */
export function isYielding(view: View, draft: CookieDraft): boolean {
  return (draft.expires !== null && draft.expires === view.asked) || isYieldingTouch(view, draft)
}

/** The same of a touch: it is there to move the death, so it yields to nothing but what its request knows. */
export function isYieldingTouch({ asked, expires, cookie }: View, draft: CookieDraft): boolean {
  return expires !== asked && (draft.expires ?? Infinity) < (expires ?? Infinity) && !isCookieChanged(cookie, draft.cookie)
}

/** Whether the draft holds other data than its session is known to hold. */
export function isChange({ base }: View, draft: Draft): boolean {
  return draft.base === base && draft.isChanged !== undefined ? draft.isChanged : !isSameData(base, draft.record)
}

export function viewOf(id: string, { record, expires }: Stored, cookie: object): View {
  return { id, base: record, expected: record, expires, asked: expires, cookie: cookie as Record<string, unknown> }
}

/** The view of a session whose first save begins. Should it fail, whatever is there later has grown from it. */
export function viewOfNew(id: string, draft: Draft): View {
  return { ...viewOf(id, draft, draft.cookie), attempt: draft, isNew: true }
}

/** Our version was written, merged as `stored`. */
export function know(view: View, ours: Draft, stored: Stored): void {
  view.base = ours.record
  view.expected = stored.record
  view.expires = stored.expires
  view.asked = ours.expires
  view.cookie = ours.cookie
  view.attempt = undefined
  view.isNew = undefined
  view.doubted = undefined
}

export function entryOf({ record, expires }: Stored): Entry {
  return newEntry(record.text, expires)
}
