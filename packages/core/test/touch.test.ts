import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Bank, extend } from '../src/bank.ts'
import {
  Client,
  dataOf,
  gatedBank,
  MINUTE,
  minutesOf,
  nextTurn,
  ReferenceBank,
  renewAge,
  sessionData,
  threeMethods,
  turns,
} from './helpers.ts'

afterEach(() => void vi.useRealTimers())

const withSwapOnly = (bank: Bank): Bank => ({ ...threeMethods(bank), swap: (...args) => bank.swap!(...args) })

describe('touch', () => {
  it.each([
    ['a bank that has it', (bank: Bank) => bank],
    ['a bank that has swap', withSwapOnly],
    ['a bank of three methods', threeMethods],
  ])('changes the expiry and leaves the data alone, on %s', async (_name, limit) => {
    const client = new Client(limit(new ReferenceBank()))
    await client.set('sid', sessionData({ n: 1 }, MINUTE))
    const live = await client.load('sid')
    const writer = await client.load('sid')
    writer['n'] = 2
    await client.set('sid', writer)
    live.cookie.expires = new Date(Date.now() + 5 * MINUTE)
    live.cookie.originalMaxAge = MINUTE
    await client.touch('sid', live)
    const found = await client.get('sid')
    expect(dataOf(found)).toEqual({ n: 2 })
    expect(found?.cookie.expires).toBe(live.cookie.expires.toISOString())
  })

  it('writes no payload while the cookie is what it was', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    await client.set('sid', sessionData())
    const live = await client.load('sid')
    ;(live as unknown as { resetMaxAge(): void }).resetMaxAge()
    await client.touch('sid', live)
    expect([bank.calls('touch'), bank.calls('swap'), bank.calls('save')]).toEqual([1, 0, 1])
  })

  it.each([
    [0, 'touch'],
    // express-session computes the age anew at each touch, from two readings of the clock.
    [-1, 'touch'],
    [-10, 'touch'],
    [-11, 'swap'],
    [1, 'swap'],
  ] as const)('of a cookie whose age has changed by %i ms is a %s', async (difference, method) => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    await client.set('sid', sessionData())
    const live = renewAge(await client.load('sid'))
    ;(live.cookie.originalMaxAge as number) += difference
    await client.touch('sid', live)
    expect([bank.calls('touch'), bank.calls('swap')]).toEqual(method === 'touch' ? [1, 0] : [0, 1])
  })

  it.each([
    ['a longer age', { maxAge: 5 * MINUTE }],
    ['a shorter age', { maxAge: MINUTE / 2 }],
    ['no expiry', { maxAge: null }],
    ['another path', { path: '/admin' }],
    ['another sameSite', { sameSite: 'strict' }],
  ])('stores a cookie that was given %s', async (_name, change) => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData({ n: 1 }))
    const live = await client.load('sid')
    Object.assign(live.cookie, change)
    await client.touch('sid', live)
    const found = await client.get('sid')
    expect(dataOf(found)).toEqual({ n: 1 })
    expect(found?.cookie).toEqual(JSON.parse(JSON.stringify(live.cookie)))
  })

  it('stores a changed cookie of a session that was never loaded', async () => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData({ n: 1 }, MINUTE))
    await client.touch('sid', sessionData({ n: 'not to be written' }, 7 * MINUTE))
    const found = await client.get('sid')
    expect(dataOf(found)).toEqual({ n: 1 })
    expect(minutesOf(found?.cookie.originalMaxAge)).toBe(7)
  })

  it.each([
    ['a bank that has it', (bank: Bank) => bank],
    ['a bank of three methods', threeMethods],
  ])('neither creates nor revives a session, and emits nothing, on %s', async (_name, limit) => {
    const bank = new ReferenceBank()
    const client = new Client(limit(bank))
    const events = client.events()
    await client.touch('missing', sessionData())
    await client.set('expired', sessionData({}, -1))
    await client.touch('expired', sessionData())
    await nextTurn()
    expect([await client.get('missing'), await client.get('expired'), await bank.count(Date.now())]).toEqual([null, null, 0])
    expect(events).toEqual([])
  })

  it('comes after a save of the same session that is under way', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    bank.hold('save')
    const saving = client.set('sid', sessionData({ n: 1 }))
    const held = await bank.held('save')
    const touching = client.touch('sid', sessionData({}, 5 * MINUTE))
    await nextTurn()
    expect(bank.calls('read') + bank.calls('touch')).toBe(0)
    await held.release()
    await Promise.all([saving, touching])
    expect(minutesOf((await client.get('sid'))?.cookie.originalMaxAge)).toBe(5)
  })

  it('loses no update that comes while it is under way, on a bank of three methods', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(threeMethods(gated))
    await client.set('sid', sessionData({ n: 1 }))
    const [toucher, writer] = [await client.load('sid'), await client.load('sid')]
    gated.hold('save')
    const touching = client.touch('sid', toucher)
    const move = await gated.held('save')
    writer['n'] = 2
    const saving = client.set('sid', writer)
    await turns(5)
    // A save that did not wait for the touch would be the first to happen.
    if (gated.calls('save') > 2) await (await gated.held('save')).release()
    gated.releaseAll()
    await move.release()
    await Promise.all([touching, saving])
    expect(dataOf(await client.get('sid'))).toEqual({ n: 2 })
  })
})

describe('touchAfter', () => {
  it('leaves out a touch that would extend the expiry by less, and sends one that shortens it', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank, { touchAfter: MINUTE })
    await client.set('sid', sessionData({}, 10 * MINUTE))
    const live = await client.load('sid')
    const start = Date.parse(String((await client.get('sid'))?.cookie.expires))
    const touchAt = async (expires: number) => {
      live.cookie.expires = new Date(expires)
      live.cookie.originalMaxAge = 10 * MINUTE
      await client.touch('sid', live)
      return bank.calls('touch')
    }
    expect(await touchAt(start + MINUTE - 1)).toBe(0)
    expect(await touchAt(start + MINUTE)).toBe(1)
    expect(await touchAt(start + MINUTE + 1)).toBe(1)
    expect(await touchAt(start - 1)).toBe(2)
  })

  it.each([
    ['as long as the lifetime', 10 * MINUTE],
    ['longer than the lifetime', 1_000 * MINUTE],
    ['a little shorter', 9 * MINUTE],
  ])('%s never lets a session expire that is in use', async (_, touchAfter) => {
    const start = Date.parse('2026-01-01T00:00:00Z')
    vi.useFakeTimers({ toFake: ['Date'], now: start })
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank, { touchAfter })
    await client.set('sid', sessionData({}, 10 * MINUTE))
    for (let minutes = 1; minutes <= 60; minutes++) {
      vi.setSystemTime(start + minutes * MINUTE)
      const live = await client.load('sid')
      renewAge(live)
      await client.touch('sid', live)
    }
    // At half of the lifetime, at the latest.
    expect(bank.calls('touch')).toBe(12)
  })

  it("counts from the expiry that was stored, whatever the bank's touch returns", async () => {
    const reference = new ReferenceBank()
    const rowsOf = async (...args: Parameters<ReferenceBank['touch']>): Promise<void> => {
      await reference.touch(...args)
      return 1 as never
    }
    const bank = gatedBank(extend(reference, { touch: rowsOf }))
    const client = new Client(bank, { touchAfter: MINUTE })
    await client.set('sid', sessionData({}, 10 * MINUTE))
    const live = await client.load('sid')
    live.cookie.expires = new Date(Date.now() + 15 * MINUTE)
    live.cookie.originalMaxAge = 10 * MINUTE
    await client.touch('sid', live)
    await client.touch('sid', live)
    expect(bank.calls('touch')).toBe(1)
  })

  it('holds for a save without a change as well', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank, { touchAfter: MINUTE })
    await client.set('sid', sessionData({ n: 1 }, 10 * MINUTE))
    const live = await client.load('sid')
    renewAge(live)
    await client.set('sid', live)
    expect([bank.calls('touch'), bank.calls('swap'), bank.calls('save')]).toEqual([0, 0, 1])
  })
})

describe('a cookie that is a plain object', () => {
  it.each(['set', 'touch'] as const)('is compared with what it was at the last save, by %s', async (method) => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData({ n: 1 }))
    const found = (await client.get('sid'))!
    await client.set('sid', Object.assign(found, { n: 2 }))
    found.cookie.path = '/other'
    await client[method]('sid', found)
    expect((await client.get('sid'))?.cookie.path).toBe('/other')
  })

  it('is stored as it is at the call, also when the save is merged', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated)
    await client.set('sid', sessionData())
    const [other, found] = [await client.load('sid'), (await client.get('sid'))!]
    await client.set('sid', Object.assign(other, { theirs: 1 }))
    found.cookie.path = '/ours'
    gated.hold('read')
    const saving = client.set('sid', found)
    const held = await gated.held('read')
    found.cookie.path = '/later'
    gated.releaseAll()
    await held.release()
    await saving
    expect((await client.get('sid'))?.cookie.path).toBe('/ours')
  })
})

describe('a save without a change', () => {
  it('is a touch: the data that another has written stay', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    await client.set('sid', sessionData({ n: 1, 'a "}" in': 'a {"cookie":{}} b' }))
    const live = await client.load('sid')
    live.cookie.expires = new Date(Date.now() + 3 * MINUTE)
    live.cookie.originalMaxAge = MINUTE
    await client.set('sid', live)
    expect([bank.calls('touch'), bank.calls('swap')]).toEqual([1, 0])
    expect((await client.get('sid'))?.cookie.expires).toBe(live.cookie.expires.toISOString())
  })

  it('is a touch for a record whose cookie comes last', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    const { cookie } = sessionData()
    await bank.save('sid', { payload: JSON.stringify({ n: 1, cookie }), expires: Date.now() + MINUTE })
    const live = await client.load('sid')
    renewAge(live)
    await client.set('sid', live)
    expect([bank.calls('touch'), bank.calls('swap')]).toEqual([1, 0])
  })
})
