import { gatedBank } from '@connect-databank/conformance'
import { describe, expect, it } from 'vitest'
import { ReferenceBank } from '../../conformance/test/fixtures/reference-bank.ts'
import type { Bank } from '../src/bank.ts'
import { Client, countAnew, dataOf, minute, sessionData, turnOfLoop } from './kit.ts'

/** A bank without its `touch`: the store makes one of what there is. */
function withoutTouch(bank: Bank): Bank {
  return { read: (id) => bank.read(id), save: (id, entry) => bank.save(id, entry), delete: (id) => bank.delete(id) }
}

describe('touch', () => {
  it.each([
    ['a bank that has it', (bank: Bank) => bank],
    ['a bank that lacks it', withoutTouch],
  ])('moves the death and leaves the data alone, on %s', async (_name, limit) => {
    const client = new Client(limit(new ReferenceBank()))
    await client.set('sid', sessionData({ n: 1 }, minute))
    const live = await client.load('sid')
    const writer = await client.load('sid')
    writer['n'] = 2
    await client.set('sid', writer)
    live.cookie.expires = new Date(Date.now() + 5 * minute)
    live.cookie.originalMaxAge = minute
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
    ['a longer life', { maxAge: 5 * minute }],
    ['a shorter life', { maxAge: minute / 2 }],
    ['an end with the browser', { maxAge: null }],
    ['another path', { path: '/admin' }],
    ['another sameSite', { sameSite: 'strict' }],
  ])('persists a cookie that was given %s', async (_name, change) => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData({ n: 1 }))
    const live = await client.load('sid')
    Object.assign(live.cookie, change)
    await client.touch('sid', live)
    const found = await client.get('sid')
    expect(dataOf(found)).toEqual({ n: 1 })
    const expected = JSON.parse(JSON.stringify(live.cookie))
    expect(found?.cookie).toEqual({ ...expected, expires: expected.expires })
  })

  it('persists a changed cookie of a session that was never loaded', async () => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData({ n: 1 }, minute))
    await client.touch('sid', sessionData({ n: 'not mine to write' }, 7 * minute))
    const found = await client.get('sid')
    expect(dataOf(found)).toEqual({ n: 1 })
    expect(Math.round((found?.cookie.originalMaxAge as number) / minute)).toBe(7)
  })

  it('neither creates nor revives, and is silent about it', async () => {
    const client = new Client(new ReferenceBank())
    await client.touch('missing', sessionData())
    await client.set('dead', sessionData({}, -1))
    await client.touch('dead', sessionData())
    expect(await client.all()).toEqual([])
  })

  it('does not send what would move the death by less than touchAfter, and sends what shortens it', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank, { touchAfter: minute })
    await client.set('sid', sessionData({}, 10 * minute))
    const live = await client.load('sid')
    const start = Date.parse(String((await client.get('sid'))?.cookie.expires))
    const touchAt = async (expires: number) => {
      live.cookie.expires = new Date(expires)
      live.cookie.originalMaxAge = 10 * minute
      await client.touch('sid', live)
      return bank.calls('touch')
    }
    expect(await touchAt(start + minute - 1)).toBe(0)
    expect(await touchAt(start + minute)).toBe(1)
    expect(await touchAt(start + minute + 1)).toBe(1)
    expect(await touchAt(start - 1)).toBe(2)
  })

  it('comes after a save of the same session that is under way', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    bank.hold('save')
    const created = sessionData({ n: 1 })
    const saving = client.set('sid', created)
    const held = await bank.held('save')
    const later = sessionData({}, 5 * minute)
    const touching = client.touch('sid', later)
    await turnOfLoop()
    expect(bank.calls('read') + bank.calls('touch')).toBe(0)
    await held.release()
    await Promise.all([saving, touching])
    expect(Math.round(((await client.get('sid'))?.cookie.originalMaxAge as number) / minute)).toBe(5)
  })
})

it('with a changed cookie gives up, and leaves the bank alone, if others are faster all the time', async () => {
  let swaps = 0
  const bank: Bank = Object.assign(new ReferenceBank(), {
    swap: async () => {
      swaps++
      return false
    },
  })
  const client = new Client(bank, { timeout: 50 })
  await client.set('sid', sessionData({}, minute))
  const live = await client.load('sid')
  live.cookie.maxAge = 10 * minute
  await expect(client.touch('sid', live)).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
  // The deadline comes a little later than the last try, or a try is under way.
  await turnOfLoop()
  const tries = swaps
  for (let turn = 0; turn < 20; turn++) await turnOfLoop()
  expect(tries).toBeGreaterThan(0)
  expect(swaps).toBe(tries)
})

it('loses no update that comes while it is under way, on a bank that can only read and save', async () => {
  const gated = gatedBank(new ReferenceBank())
  const client = new Client(withoutTouch(gated))
  await client.set('sid', sessionData({ n: 1 }))
  const [toucher, writer] = [await client.load('sid'), await client.load('sid')]
  gated.hold('save')
  const touching = client.touch('sid', toucher)
  const move = await gated.held('save')
  writer['n'] = 2
  const saving = client.set('sid', writer)
  for (let turn = 0; turn < 5; turn++) await turnOfLoop()
  // A save that did not wait for the touch would have to be the first to happen.
  if (gated.calls('save') > 2) await (await gated.held('save')).release()
  gated.letGo()
  await move.release()
  await Promise.all([touching, saving])
  expect(dataOf(await client.get('sid'))).toEqual({ n: 2 })
})

describe('a set that changes nothing', () => {
  it('is a touch: the data that another wrote stays', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    await client.set('sid', sessionData({ n: 1, 'a "}" in': 'a {"cookie":{}} b' }))
    const live = await client.load('sid')
    live.cookie.expires = new Date(Date.now() + 3 * minute)
    live.cookie.originalMaxAge = minute
    await client.set('sid', live)
    expect([bank.calls('touch'), bank.calls('swap')]).toEqual([1, 0])
    expect((await client.get('sid'))?.cookie.expires).toBe(live.cookie.expires.toISOString())
  })

  it('is one for a record whose cookie comes last', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    const { cookie } = sessionData()
    await bank.save('sid', { payload: JSON.stringify({ n: 1, cookie }), expires: Date.now() + minute })
    const live = await client.load('sid')
    countAnew(live)
    await client.set('sid', live)
    expect([bank.calls('touch'), bank.calls('swap')]).toEqual([1, 0])
  })
})
