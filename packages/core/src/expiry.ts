import { DatabankError } from './errors.ts'

/** What a session's cookie may be: express-session's live Cookie, what JSON made of one, or what a caller wrote by hand. */
export interface CookieLike {
  readonly expires?: Date | string | number | false | null | undefined
  readonly maxAge?: number | null | undefined
  readonly originalMaxAge?: number | null | undefined
}

/** The last millisecond that a Date can name. */
export const endOfTime = 8.64e15

/** A date in any form that cookies carry, in epoch milliseconds; null if there is none, NaN if it is no date. */
export function timeOf(expires: CookieLike['expires']): number | null {
  if (!expires) return null
  const time = typeof expires === 'string' ? Date.parse(expires) : Number(expires)
  return Math.abs(time) <= endOfTime ? time : Number.NaN
}

/**
 * When a session with this cookie dies, in epoch milliseconds: at the cookie's own `expires`, else `maxAge` after `now`, else
 * (a browser-session cookie) `ttl` after `now`; null, never, when `ttl` is null.
 *
 * @throws DATABANK_INVALID_SESSION if the cookie's date is none
 */
export function expiresOf(cookie: CookieLike, ttl: number | null, now: number): number | null {
  const { expires } = cookie
  const maxAge = expires === undefined ? (cookie.maxAge ?? cookie.originalMaxAge) : undefined
  const time = typeof maxAge === 'number' ? now + maxAge : timeOf(expires)
  if (time === null) return ttl === null ? null : Math.min(now + ttl, endOfTime)
  if (Number.isNaN(time))
    throw new DatabankError('DATABANK_INVALID_SESSION', `the session's cookie expires at no date: ${expires}`)
  return Math.min(Math.floor(time), endOfTime)
}

/** Whether the first dies at the same time as the second, or later; null never dies. */
export function isNotSooner(first: number | null, second: number | null): boolean {
  return (first ?? Infinity) >= (second ?? Infinity)
}

const minute = 60_000
/** Deaths lie close together, a ttl ahead of now: most share all but their seconds with the one before. */
const lastMinute = { number: Number.NaN, text: '' }

/** `toISOString` of a moment that a Date can name, at a tenth of its price while moments lie close together. */
export function isoOf(time: number): string {
  const number = Math.floor(time / minute)
  if (number !== lastMinute.number) {
    lastMinute.number = number
    lastMinute.text = new Date(number * minute).toISOString().slice(0, -'00.000Z'.length)
  }
  const rest = Math.floor(time) - number * minute
  return `${lastMinute.text}${digits(Math.floor(rest / 1000), 2)}.${digits(rest % 1000, 3)}Z`
}

function digits(value: number, length: 2 | 3): string {
  if (value >= 100) return `${value}`
  if (value >= 10) return length === 3 ? `0${value}` : `${value}`
  return length === 3 ? `00${value}` : `0${value}`
}
