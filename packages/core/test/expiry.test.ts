import session from 'express-session'
import { describe, expect, it } from 'vitest'
import { expiresOf, timeOf } from '../src/expiry.ts'

const now = 1_000_000

describe('expiresOf', () => {
  it.each([
    ['a Date', { expires: new Date(5) }, 5],
    ['an ISO string', { expires: '1970-01-01T00:00:00.005Z' }, 5],
    ['an epoch number', { expires: 5 }, 5],
    ['the end of time', { expires: 8.64e15 }, 8.64e15],
    ['expires before maxAge', { expires: new Date(5), maxAge: 100 }, 5],
    ['maxAge alone', { maxAge: 100 }, now + 100],
    ['maxAge 0', { maxAge: 0 }, now],
    ['a negative maxAge', { maxAge: -1 }, now - 1],
    ['originalMaxAge alone', { originalMaxAge: 100 }, now + 100],
    ['a fraction of a millisecond', { maxAge: 0.5 }, now],
    ['a maxAge beyond all dates', { maxAge: 1e300 }, 8.64e15],
    ['null', { expires: null, originalMaxAge: 7 }, now + 42],
    ['false', { expires: false }, now + 42],
    ['0, which 1.x took for none', { expires: 0 }, now + 42],
    ['nothing', {}, now + 42],
  ])('%s', (_name, cookie, expected) => {
    expect(expiresOf(cookie as never, 42, now)).toBe(expected)
  })

  it('is null, never, for a cookie without a date where ttl is null', () => {
    expect(expiresOf({ expires: null }, null, now)).toBeNull()
  })

  it.each([
    ['text', 'soon'],
    ['an invalid Date', new Date('soon')],
    ['NaN as maxAge', undefined, Number.NaN],
    ['a number beyond all dates', 9e15],
  ])('refuses a date that is none: %s', (_name, expires, maxAge?) => {
    expect(() => expiresOf({ expires, maxAge } as never, 42, now)).toThrow(
      expect.objectContaining({ code: 'DATABANK_INVALID_SESSION' }),
    )
  })

  it('reads a live Cookie', () => {
    const cookie = new session.Cookie()
    cookie.maxAge = 1000
    expect(expiresOf(cookie, 42, now)).toBe((cookie.expires as Date).valueOf())
  })
})

describe('timeOf', () => {
  it('tells no date from none', () => {
    expect(timeOf(undefined)).toBeNull()
    expect(timeOf('soon')).toBeNaN()
  })
})
