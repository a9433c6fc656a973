import { describe, expect, it } from 'vitest'
import { Client, dataOf, MINUTE, minutesOf, ReferenceBank, renewAge, sessionData } from './helpers.ts'

/** Two requests of one session; theirs is saved first, and ours is merged with it. */
async function merged(change: {
  theirs?: (cookie: Express.Cookie) => void
  ours?: (cookie: Express.Cookie) => void
  age?: number | null
}) {
  const bank = new ReferenceBank()
  const client = new Client(bank)
  await client.set('sid', sessionData({}, change.age === undefined ? MINUTE : change.age))
  const [theirs, ours] = [await client.load('sid'), await client.load('sid')]
  theirs['theirs'] = 1
  change.theirs?.(theirs.cookie as never)
  await client.set('sid', theirs)
  ours['ours'] = 1
  change.ours?.(ours.cookie as never)
  await client.set('sid', ours)
  const found = (await client.get('sid'))!
  expect(dataOf(found)).toEqual({ theirs: 1, ours: 1 })
  return { cookie: found.cookie, expires: (await bank.read('sid'))!.expires, theirs, ours }
}

declare namespace Express {
  interface Cookie {
    maxAge: number | null
    expires: Date | null
    originalMaxAge: number | null
    path: string
    sameSite: string
  }
}

const minutesLeft = (expires: unknown): number => minutesOf(new Date(expires as string | number).getTime() - Date.now())

describe('the expiry of merged versions', () => {
  it.each([
    [5, 10],
    [10, 5],
  ])('is ours where this request has changed its cookie’s age: theirs %i min, ours %i min', async (theirs, ours) => {
    const { cookie, expires } = await merged({
      theirs: (their) => (their.maxAge = theirs * MINUTE),
      ours: (our) => (our.maxAge = ours * MINUTE),
    })
    expect(minutesOf(cookie.originalMaxAge)).toBe(ours)
    expect([minutesLeft(cookie.expires), minutesLeft(expires)]).toEqual([ours, ours])
  })

  it('is the later one where this request has only renewed its age', async () => {
    const { cookie, expires } = await merged({
      theirs: (their) => (their.maxAge = 10 * MINUTE),
      ours: (our) => renewAge({ cookie: our } as never),
    })
    expect(minutesOf(cookie.originalMaxAge)).toBe(10)
    expect([minutesLeft(cookie.expires), minutesLeft(expires)]).toEqual([10, 10])
  })

  it('is ours where ours is later, though they have shortened theirs', async () => {
    const { cookie, expires, ours } = await merged({
      theirs: (their) => (their.maxAge = MINUTE / 2),
      ours: (our) => renewAge({ cookie: our } as never),
    })
    expect(expires).toBe(ours.cookie.expires?.getTime())
    expect(cookie.expires).toBe(ours.cookie.expires?.toISOString())
  })

  it('is never, in the browser, where they have made it a cookie without an expiry', async () => {
    const { cookie } = await merged({
      theirs: (their) => (their.maxAge = null),
      ours: (our) => renewAge({ cookie: our } as never),
    })
    expect([cookie.expires, cookie.originalMaxAge]).toEqual([null, null])
  })
})

describe('the fields of a merged cookie', () => {
  it('are theirs, unless this request has changed them', async () => {
    const { cookie } = await merged({ theirs: (their) => Object.assign(their, { path: '/theirs', sameSite: 'strict' }) })
    expect(cookie).toMatchObject({ path: '/theirs', sameSite: 'strict' })
  })

  it('are ours, if this request has changed them', async () => {
    const { cookie } = await merged({
      theirs: (their) => (their.path = '/theirs'),
      ours: (our) => (our.path = '/ours'),
    })
    expect(cookie.path).toBe('/ours')
  })

  it('are kept from both, where each has changed another one', async () => {
    const { cookie } = await merged({
      theirs: (their) => (their.maxAge = 10 * MINUTE),
      ours: (our) => (our.sameSite = 'strict'),
    })
    expect(cookie.sameSite).toBe('strict')
    expect(minutesOf(cookie.originalMaxAge)).toBe(10)
    expect(minutesLeft(cookie.expires)).toBe(10)
  })

  it('are kept from both the other way round', async () => {
    const { cookie } = await merged({
      theirs: (their) => (their.sameSite = 'strict'),
      ours: (our) => (our.maxAge = 10 * MINUTE),
    })
    expect(cookie.sameSite).toBe('strict')
    expect(minutesOf(cookie.originalMaxAge)).toBe(10)
  })
})
