import { Cookie } from 'express-session'
import { DatabankError } from './errors.ts'

/** The fields of a cookie as JSON holds them. */
export type CookieFields = Readonly<Record<string, unknown>>

/** The last millisecond that a Date can hold. */
const END_OF_TIME = 8.64e15

/** A date in any form that cookies hold, in epoch milliseconds; null if there is none, NaN if it is no date. */
export function timeOf(expires: unknown): number | null {
  if (!expires) return null
  const time = typeof expires === 'string' ? Date.parse(expires) : Number(expires)
  return Math.abs(time) <= END_OF_TIME ? time : Number.NaN
}

/** A session's cookie, as core works with it. */
export interface SessionCookie {
  /** As JSON holds them. */
  readonly fields: CookieFields
  /** The cookie's own `expires`, in epoch milliseconds; null if it has none: a browser-session cookie. */
  readonly expires: number | null
}

/**
 * When a session with this cookie expires, in epoch milliseconds: at the cookie's own `expires`, else `maxAge` after `now`, else
 * (a browser-session cookie) `ttl` after `now`; null, never, if `ttl` is null.
 */
export function expiresOf({ fields, expires }: SessionCookie, ttl: number | null, now: number): number | null {
  if (expires !== null) return Math.floor(expires)
  const maxAge = fields['expires'] === undefined ? (fields['maxAge'] ?? fields['originalMaxAge']) : undefined
  if (typeof maxAge === 'number') return Math.min(Math.floor(now + maxAge), END_OF_TIME)
  return ttl === null ? null : Math.min(now + ttl, END_OF_TIME)
}

/** The later of two expiries; null never expires. */
export function laterOf(first: number | null, second: number | null): number | null {
  return first === null || second === null ? null : Math.max(first, second)
}

/** The expiry in epoch milliseconds: at most `absoluteTimeout` milliseconds after the creation, if both are known. */
export function boundedExpiry(
  expires: number | null,
  created: number | undefined,
  absoluteTimeout: number | null,
): number | null {
  if (absoluteTimeout === null || created === undefined) return expires
  return Math.min(expires ?? Infinity, created + absoluteTimeout)
}

/** Whether the first expiry is later than the second; null never expires. */
export function isLater(first: number | null, second: number | null): boolean {
  return second !== null && (first === null || first > second)
}

/**
 * The cookie of a session that is to be written. A live Cookie has `toJSON`, so its own keys differ from the stored ones.
 *
 * @throws DATABANK_INVALID_SESSION if it is not an object, if its `expires` is not a date, or if express-session could not send it
 */
export function readCookie(cookie: object): SessionCookie {
  const fields = membersOf(cookie)
  if (!isRecord(fields)) throw new DatabankError('DATABANK_INVALID_SESSION', 'the cookie of a session must be an object')
  const { expires } = fields
  const time = timeOf(expires)
  if (Number.isNaN(time)) {
    throw new DatabankError('DATABANK_INVALID_SESSION', `the session's cookie has an expiry that is no date: ${expires}`)
  }
  if (!isServable(fields)) {
    throw new DatabankError('DATABANK_INVALID_SESSION', "the session's cookie has a field that express-session cannot send")
  }
  return {
    // A copy: the caller may change its cookie later.
    fields: expires instanceof Date ? { ...fields, expires: isoOf(time as number) } : { ...fields },
    expires: time,
  }
}

function membersOf(cookie: object): unknown {
  const { toJSON } = cookie as { toJSON?: unknown }
  if (typeof toJSON !== 'function') return cookie
  try {
    return toJSON.call(cookie, 'cookie')
  } catch (cause) {
    throw new DatabankError('DATABANK_INVALID_SESSION', `the session's cookie: ${(cause as Error)?.message}`, { cause })
  }
}

/** Whether this is an object and no array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * express-session computes `originalMaxAge` from two readings of the clock at every touch, so it shrinks by the milliseconds
 * between them. A change below this limit does not come from the application.
 */
const CLOCK_DRIFT = 10

/** Whether anything but `expires` differs, which only a rewrite of the record can store. */
export function isCookieChanged(before: SessionCookie, after: SessionCookie): boolean {
  if ((before.expires === null) !== (after.expires === null)) return true
  for (const name in after.fields) {
    if (name !== 'expires' && !isSameField(name, before.fields[name], after.fields[name])) return true
  }
  for (const name in before.fields) {
    if (name !== 'expires' && before.fields[name] != null && after.fields[name] === undefined) return true
  }
  return false
}

/** Whether the cookie's own age was changed: `maxAge`, whether there is an expiry, or a sooner `expires`. */
export function isAgeChanged(before: SessionCookie, after: SessionCookie): boolean {
  if ((before.expires === null) !== (after.expires === null)) return true
  if (!isSameField('originalMaxAge', before.fields['originalMaxAge'], after.fields['originalMaxAge'])) return true
  return isLater(before.expires, after.expires)
}

/**
 * Three-way merge of cookies: each field that we changed since `base` is ours, every other one is theirs. The expiry is ours if we
 * changed the cookie's age.
 */
export function mergeCookies(base: SessionCookie, theirs: SessionCookie, ours: SessionCookie): SessionCookie {
  const dated = isAgeChanged(base, ours) ? ours : theirs
  const fields: Record<string, unknown> = { ...theirs.fields, expires: dated.fields['expires'] }
  for (const name of new Set([...Object.keys(base.fields), ...Object.keys(ours.fields)])) {
    if (name === 'expires' || isSameField(name, base.fields[name], ours.fields[name])) continue
    fields[name] = ours.fields[name]
  }
  return { fields, expires: dated.expires }
}

function isSameField(name: string, before: unknown, after: unknown): boolean {
  if (before === after || (before == null && after == null)) return true
  if (name !== 'originalMaxAge' || typeof before !== 'number' || typeof after !== 'number') return false
  return before > after && before - after <= CLOCK_DRIFT
}

const ORDINARY_SAME_SITE = new Set<unknown>([undefined, null, false, true, 'strict', 'lax', 'none'])
/** An age that, counted from now, is still a date. */
const LONGEST_AGE = 8e15

/**
 * Whether express-session can make its live Cookie from these fields, extend it and send it. If not, it throws at every request of that
 * user. Its versions accept different cookies, so this function calls the installed version, except in the common case. The fields
 * hold a date or none.
 */
export function isServable(fields: CookieFields): boolean {
  const { path, domain, sameSite, priority, partitioned, originalMaxAge, maxAge } = fields
  const isOrdinary =
    path === '/' &&
    domain == null &&
    priority == null &&
    partitioned == null &&
    maxAge === undefined &&
    ORDINARY_SAME_SITE.has(sameSite) &&
    (originalMaxAge == null || (typeof originalMaxAge === 'number' && Math.abs(originalMaxAge) <= LONGEST_AGE)) &&
    fields['_expires'] === undefined &&
    !Object.hasOwn(fields, '__proto__')
  return (
    isOrdinary || isLikeLastAccepted(fields) || (isHeaderText(path) && isHeaderText(domain) && isAcceptedByExpressSession(fields))
  )
}

/** Most cookies of an application differ only in their dates, and a call of express-session costs 4 µs. */
let lastAccepted: SessionCookie | undefined

function isLikeLastAccepted(fields: CookieFields): boolean {
  return lastAccepted !== undefined && !isCookieChanged(lastAccepted, undated(fields))
}

/** With any date, if it has one: only whether it has one matters. */
function undated(fields: CookieFields): SessionCookie {
  return { fields, expires: fields['expires'] ? 0 : null }
}

/** The characters of a cookie's attribute in a header. */
const HEADER_TEXT = /^[\t\x20-\x3a\x3c-\x7e\x80-\xff]*$/

/** Whether this is such a text, or nothing. express-session writes any other value as text: an object as `[object Object]`. */
function isHeaderText(value: unknown): boolean {
  return !value || (typeof value === 'string' && HEADER_TEXT.test(value))
}

/** express-session's own class; its published type has no constructor with fields. */
const LiveCookie = Cookie as unknown as new (
  fields: CookieFields,
) => {
  domain: unknown
  expires: unknown
  maxAge: unknown
  originalMaxAge: unknown
  serialize(name: string, value: string): string
}

function isAcceptedByExpressSession(fields: CookieFields): boolean {
  try {
    const time = timeOf(fields['expires'])
    // As `createSession` does with the result of `get`.
    const live = new LiveCookie(time === null ? fields : { ...fields, expires: isoOf(time) })
    if (time !== null) live.expires = new Date(time)
    live.originalMaxAge = fields['originalMaxAge']
    // 1.17 sends domains with underscores and ports, which 1.19 refuses: during an upgrade, both read the same sessions.
    live.domain = undefined
    live.serialize('sid', 'value')
    // As `resetMaxAge` does at the end of a request.
    live.maxAge = live.originalMaxAge
    live.serialize('sid', 'value')
    // A copy: the caller may change its cookie.
    lastAccepted = undated({ ...fields })
    return true
  } catch {
    return false
  }
}

const MINUTE = 60_000
const lastMinute = { number: Number.NaN, text: '' }

/**
 * `toISOString` at a tenth of its cost for times that are close together: most differ only in the seconds. A database may hold a time
 * beyond the range of Date: it becomes the last time of Date.
 */
export function isoOf(given: number): string {
  const time = Math.min(given, END_OF_TIME)
  const number = Math.floor(time / MINUTE)
  if (number !== lastMinute.number) {
    lastMinute.text = new Date(number * MINUTE).toISOString().slice(0, -'00.000Z'.length)
    lastMinute.number = number
  }
  const rest = Math.floor(time) - number * MINUTE
  const seconds = String(Math.floor(rest / 1000)).padStart(2, '0')
  return `${lastMinute.text}${seconds}.${String(rest % 1000).padStart(3, '0')}Z`
}
