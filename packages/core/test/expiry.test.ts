import session from 'express-session'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Bank } from '../src/bank.ts'
import { Client, dataOf, gatedBank, MINUTE, ReferenceBank, sessionData, withScan } from './helpers.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const END_OF_TIME = 8.64e15

afterEach(() => void vi.useRealTimers())

describe('when a session expires', () => {
  const ttl = 42_000
  const expiryOf = async (cookie: object, options: object = { ttl }) => {
    vi.useFakeTimers({ toFake: ['Date'], now: START })
    const bank = new ReferenceBank()
    await new Client(bank, options).set('sid', { cookie } as never)
    return (await bank.read('sid'))?.expires
  }

  it.each([
    ['a Date', { expires: new Date(START + 5) }, START + 5],
    ['an ISO string', { expires: '2026-01-01T00:00:00.005Z' }, START + 5],
    ['an epoch number', { expires: START + 5 }, START + 5],
    ['the end of time', { expires: END_OF_TIME }, END_OF_TIME],
    ['expires and maxAge', { expires: new Date(START + 5), maxAge: 100 }, START + 5],
    ['maxAge alone', { maxAge: 100 }, START + 100],
    ['maxAge 0', { maxAge: 0 }, START],
    ['a negative maxAge', { maxAge: -1 }, START - 1],
    ['originalMaxAge alone', { originalMaxAge: 100 }, START + 100],
    ['a fraction of a millisecond', { maxAge: 0.5 }, START],
    ['null', { expires: null, originalMaxAge: 7 }, START + ttl],
    ['false', { expires: false }, START + ttl],
    ['0, which 1.x takes for none', { expires: 0 }, START + ttl],
    ['nothing', {}, START + ttl],
  ])('follows from its cookie’s %s', async (_name, cookie, expected) => {
    expect(await expiryOf(cookie)).toBe(expected)
  })

  it.each(['set', 'touch'] as const)(
    'follows from ttl for a browser session that is stored for ever, at the next %s',
    async (method) => {
      const bank = new ReferenceBank()
      await new Client(bank, { ttl: null }).set('sid', sessionData({ n: 0 }, null))
      expect((await bank.read('sid'))?.expires).toBeNull()
      const client = new Client(bank, { ttl: MINUTE })
      const live = await client.load('sid')
      if (method === 'set') live['n'] = 1
      await client[method]('sid', live)
      expect((await bank.read('sid'))?.expires).toBeGreaterThan(Date.now())
    },
  )

  it('follows from a live Cookie', async () => {
    const cookie = new session.Cookie()
    cookie.maxAge = 1_000
    expect(await expiryOf(cookie)).toBe((cookie.expires as Date).getTime())
  })

  it.each([
    ['text', { expires: 'soon' }],
    ['an invalid Date', { expires: new Date('soon') }],
    ['a number beyond all dates', { expires: 9e15 }],
    ['an age beyond all dates', { maxAge: 1e300 }],
    ['a number beyond all dates in the past', { expires: -9e15 }],
  ])('cannot follow from %s: the session is refused', async (_name, cookie) => {
    await expect(expiryOf(cookie)).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
  })

  it.each([
    [undefined, 86_400_000],
    [MINUTE, MINUTE],
    [null, null],
  ])('follows from ttl (%s) for a cookie without an expiry, which stays without one', async (given, expected) => {
    vi.useFakeTimers({ toFake: ['Date'], now: START })
    const bank = new ReferenceBank()
    const client = new Client(bank, given === undefined ? {} : { ttl: given })
    await client.set('sid', sessionData({}, null))
    expect((await bank.read('sid'))?.expires).toBe(expected === null ? null : START + expected)
    expect((await client.get('sid'))?.cookie.expires).toBeNull()
  })
})

describe('an expired session', () => {
  const expired = { payload: JSON.stringify(sessionData({ n: 1 })), expires: Date.now() - 1 }

  it.each([
    ['all capabilities', (bank: Bank) => bank],
    ['three methods and a scan', withScan],
  ])('is neither returned nor counted by get, all, entries and length, on a bank of %s', async (_name, limit) => {
    const bank = new ReferenceBank()
    await bank.save('expired', expired)
    const client = new Client(limit(bank))
    await client.set('live', sessionData({ n: 2 }))
    expect(await client.get('expired')).toBeNull()
    expect((await client.store.all()).map(dataOf)).toEqual([{ n: 2 }])
    expect(await client.store.length()).toBe(1)
    const ids: string[] = []
    for await (const [id] of client.store.entries()) ids.push(id)
    expect(ids).toEqual(['live'])
  })

  it('is one at the very millisecond of its expiry', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 })
    const bank = new ReferenceBank()
    const client = new Client(bank)
    await bank.save('sid', { ...expired, expires: 1_000_001 })
    expect(await client.get('sid')).not.toBeNull()
    vi.setSystemTime(1_000_001)
    expect(await client.get('sid')).toBeNull()
  })

  it('is read once, when it has expired long before', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated)
    await client.set('sid', sessionData({}, MINUTE))
    vi.setSystemTime(Date.now() + 2 * MINUTE)
    expect(await client.get('sid')).toBeNull()
    expect(gated.calls('read')).toBe(1)
  })
})

describe('a session that another request extends shortly before its expiry, while an answer with the old expiry is under way', () => {
  const open = async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: START })
    const table = new Map()
    const gated = gatedBank(new ReferenceBank(table))
    const [slow, fast] = [new Client(gated), new Client(new ReferenceBank(table))]
    await fast.set('sid', sessionData({ n: 1 }, MINUTE))
    vi.setSystemTime(START + MINUTE - 10)
    const bank = new ReferenceBank(table)
    const extend = async () => {
      await bank.touch('sid', START + 60 * MINUTE, Date.now())
      vi.setSystemTime(START + MINUTE + 10)
    }
    return { gated, slow, fast, extend }
  }

  it('is returned by get', async () => {
    const { gated, slow, extend } = await open()
    gated.hold('read')
    const reading = slow.get('sid')
    const held = await gated.held('read')
    await held.perform()
    await extend()
    gated.releaseAll()
    await held.release()
    expect(dataOf(await reading)).toEqual({ n: 1 })
  })

  it('is merged with a save, which is not dropped', async () => {
    const { gated, slow, fast, extend } = await open()
    const [late, early] = [await slow.load('sid'), await fast.load('sid')]
    early['early'] = 1
    await fast.set('sid', early)
    gated.hold('read')
    late['late'] = 1
    const saving = slow.set('sid', late)
    const held = await gated.held('read')
    await held.perform()
    await extend()
    gated.releaseAll()
    await held.release()
    await saving
    expect(dataOf(await fast.get('sid'))).toEqual({ n: 1, early: 1, late: 1 })
  })
})
