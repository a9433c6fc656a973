import type { SessionData } from 'express-session'
import type { Entry } from './bank.ts'
import { DatabankError } from './errors.ts'
import { endOfTime, isoOf, timeOf } from './expiry.ts'
import { type Revision, Snapshot } from './snapshot.ts'

/**
 * The session as it is stored: JSON of exactly what express-session itself would write.
 *
 * @param cookie the fields of its cookie
 * @param base what the session was made of, if it was loaded: what is like there need not be written anew
 * @throws DATABANK_INVALID_SESSION for what JSON cannot hold: a BigInt, a cycle
 */
export function encodeSession(session: SessionData, cookie: Record<string, unknown>, base?: Snapshot): Revision {
  try {
    if (base === undefined) return { record: new Snapshot(JSON.stringify(session)), isChanged: undefined }
    return base.revised(session, withDateAsText(cookie))
  } catch (cause) {
    throw new DatabankError('DATABANK_INVALID_SESSION', `the session is no JSON: ${(cause as Error).message}`, { cause })
  }
}

/**
 * The stored session as a plain object of its own; undefined if the record is corrupt: no JSON, no object, no cookie, a date
 * that is none. Its `cookie.expires` is the entry's own, since touches move that alone; a browser-session cookie keeps none.
 *
 * @param parse gives what `JSON.parse` does, never an object that somebody else has
 */
export function decodeSession(entry: Entry, parse: (text: string) => unknown = JSON.parse): SessionData | undefined {
  const session = parsed(entry.payload, parse)
  if (!hasCookie(session) || !isServable(session.cookie)) return undefined
  const time = timeOf(session.cookie.expires)
  if (time === null) return session
  if (Number.isNaN(time)) return undefined
  const expires = isoOf(Math.min(entry.expires ?? time, endOfTime))
  ;(session.cookie as { expires: unknown }).expires = expires
  return session
}

function parsed(text: string, parse: (text: string) => unknown): unknown {
  try {
    const form = parse(text)
    return text.length > deepest * 2 && isDeeper(form, deepest) ? undefined : form
  } catch {
    return undefined
  }
}

/**
 * Objects within objects up to here. `JSON.parse` knows no bound, but `JSON.stringify` has no stack for twice as many, and
 * express-session calls it where nobody catches what it throws: such a record would end the process.
 */
const deepest = 2_000

function isDeeper(form: unknown, levels: number): boolean {
  if (typeof form !== 'object' || form === null) return false
  if (levels === 0) return true
  for (const inner of Object.values(form)) if (isDeeper(inner, levels - 1)) return true
  return false
}

/** @throws DATABANK_INVALID_SESSION if this is no object with a cookie */
export function requireCookie(session: unknown): asserts session is SessionData {
  if (!hasCookie(session)) throw new DatabankError('DATABANK_INVALID_SESSION', 'a session must be an object with a cookie')
}

/** Whether this can be served: without a cookie, express-session throws on every request of that user. */
function hasCookie(session: unknown): session is SessionData {
  return isRecord(session) && isRecord((session as { cookie?: unknown }).cookie)
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Fields that are no strings, or others than these, make express-session throw on every request of that user that sets its cookie. */
const pathValue = /^[\u0020-\u003a\u003d-\u007e]*$/
const domainValue = /^\.?[a-z0-9-]+(\.[a-z0-9-]+)*$/i
const sameSites = new Set<unknown>([undefined, null, false, true, '', 'strict', 'lax', 'none'])
const priorities = new Set<unknown>([undefined, null, '', 'low', 'medium', 'high'])
/** An age that, counted from now, still gives a date. */
const longestAge = 8e15

/** Whether express-session can make its live Cookie of this, and send it. */
function isServable(stored: object): boolean {
  const cookie = stored as Record<string, unknown>
  const { path, domain, sameSite, priority } = cookie
  return (
    (path === '/' || isText(path, pathValue)) &&
    isText(domain, domainValue) &&
    isAge(cookie['maxAge']) &&
    isAge(cookie['originalMaxAge']) &&
    sameSites.has(typeof sameSite === 'string' ? sameSite.toLowerCase() : sameSite) &&
    priorities.has(typeof priority === 'string' ? priority.toLowerCase() : priority) &&
    // A live Cookie keeps its date here: one that was stored as such has no date but text. The other would be its prototype.
    cookie['_expires'] === undefined &&
    !Object.hasOwn(cookie, '__proto__')
  )
}

function isText(value: unknown, pattern: RegExp): boolean {
  return value == null || value === '' || (typeof value === 'string' && pattern.test(value))
}

/** False, too: `cookie.expires = false` is written as both. */
function isAge(value: unknown): boolean {
  return value == null || value === false || (typeof value === 'number' && Math.abs(value) <= longestAge)
}

/** The cookie's fields as JSON would hold them. `toJSON`, because a live Cookie's own keys are not the ones it is stored with. */
export function cookieFields(cookie: object): Record<string, unknown> {
  const live = cookie as { toJSON?: (name: string) => Record<string, unknown> }
  return { ...(typeof live.toJSON === 'function' ? live.toJSON('cookie') : cookie) }
}

/** The same cookie to JSON, at a third of the price: a date is asked for its text by JSON, and writes it slowly. */
function withDateAsText(cookie: Record<string, unknown>): Record<string, unknown> {
  const { expires } = cookie
  if (!(expires instanceof Date)) return cookie
  const time = expires.getTime()
  return Number.isNaN(time) ? cookie : { ...cookie, expires: isoOf(time) }
}

/**
 * express-session sets `originalMaxAge` anew from two readings of the clock at every touch, so it shrinks by what lies between
 * them. A change that small is nobody's wish.
 */
const clockDrift = 10

/** Whether anything but `expires` differs, which only a rewrite of the record can keep. */
export function isCookieChanged(before: Record<string, unknown>, after: Record<string, unknown>): boolean {
  if (Boolean(before['expires']) !== Boolean(after['expires'])) return true
  for (const name in after) {
    if (name !== 'expires' && !isSameField(name, before[name], after[name])) return true
  }
  for (const name in before) {
    if (name !== 'expires' && before[name] != null && after[name] === undefined) return true
  }
  return false
}

function isSameField(name: string, before: unknown, after: unknown): boolean {
  if (before === after || (before == null && after == null)) return true
  if (name !== 'originalMaxAge' || typeof before !== 'number' || typeof after !== 'number') return false
  return before > after && before - after <= clockDrift
}
