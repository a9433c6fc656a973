import { describe, expect, it } from 'vitest'
import type { Bank } from '../src/bank.ts'
import {
  Client,
  dataOf,
  gatedBank,
  MINUTE,
  minutesOf,
  newSession,
  ReferenceBank,
  renewAge,
  sessionData,
  threeMethods,
} from './helpers.ts'

const BANKS: [string, () => ReferenceBank, (bank: Bank) => Bank][] = [
  ['with swap and versions of the bank', () => new ReferenceBank(), (bank) => bank],
  ['with swap, the payload as the version', () => new ReferenceBank(new Map(), { versions: 'payload' }), (bank) => bank],
  ['with three methods, in one process', () => new ReferenceBank(), threeMethods],
]

describe.each(BANKS)('parallel changes on a bank %s', (_name, make, limit) => {
  const open = () => new Client(limit(make()))

  it('are all kept, whichever request saves first', async () => {
    for (const order of [
      ['a', 'b'],
      ['b', 'a'],
    ]) {
      const client = open()
      await client.set('sid', sessionData({ shared: 0 }))
      const live = { a: await client.load('sid'), b: await client.load('sid') } as Record<string, Record<string, unknown>>
      for (const name of order) {
        live[name]![name] = 1
        await client.set('sid', live[name] as never)
      }
      expect(dataOf(await client.get('sid'))).toEqual({ shared: 0, a: 1, b: 1 })
    }
  })

  it('are all kept when twenty requests save at once', async () => {
    const client = open()
    await client.set('sid', sessionData())
    const live = await Promise.all(Array.from({ length: 20 }, () => client.load('sid')))
    await Promise.all(
      live.map((each, index) => {
        each[`key${index}`] = index
        return client.set('sid', each)
      }),
    )
    expect(Object.keys(dataOf(await client.get('sid'))!)).toHaveLength(20)
  })

  it('of the same key end with the later write, and a removal is a change', async () => {
    const client = open()
    await client.set('sid', sessionData({ contested: 'base', removed: 1, kept: 1 }))
    const [first, second] = [await client.load('sid'), await client.load('sid')]
    first['contested'] = 'first'
    await client.set('sid', first)
    second['contested'] = 'second'
    delete second['removed']
    await client.set('sid', second)
    expect(dataOf(await client.get('sid'))).toEqual({ contested: 'second', kept: 1 })
  })

  it('survive the next saves of a request whose save was merged', async () => {
    const client = open()
    await client.set('sid', sessionData())
    const [first, second] = [await client.load('sid'), await client.load('sid')]
    first['theirs'] = 1
    await client.set('sid', first)
    second['ours'] = 1
    await client.set('sid', second)
    second['later'] = 1
    await client.set('sid', second)
    delete second['ours']
    await client.set('sid', second)
    expect(dataOf(await client.get('sid'))).toEqual({ theirs: 1, later: 1 })
  })

  it('survive the next save of such a request also when it renews its age', async () => {
    const client = open()
    await client.set('sid', sessionData())
    const [first, second] = [await client.load('sid'), await client.load('sid')]
    await client.set('sid', Object.assign(first, { theirs: 1 }))
    await client.set('sid', Object.assign(renewAge(second), { ours: 1 }))
    await client.set('sid', Object.assign(renewAge(second), { later: 1 }))
    expect(dataOf(await client.get('sid'))).toEqual({ theirs: 1, ours: 1, later: 1 })
  })

  it('leave a later expiry alone in the save that follows a merged one', async () => {
    const bank = make()
    const client = new Client(limit(bank))
    await client.set('sid', sessionData({}, 10 * MINUTE))
    const [first, second] = [await client.load('sid'), await client.load('sid')]
    first['theirs'] = 1
    await client.set('sid', first)
    second['ours'] = 1
    second.cookie.maxAge = 5 * MINUTE
    await client.set('sid', second)
    const later = Date.now() + 60 * MINUTE
    await bank.touch('sid', later, Date.now())
    second['later'] = 1
    await client.set('sid', second)
    expect((await bank.read('sid'))?.expires).toBe(later)
  })

  it('of a session that its request has created and saved twice are kept', async () => {
    const client = open()
    const created = newSession({ n: 1 })
    await client.set('sid', created)
    const other = await client.load('sid')
    other['theirs'] = 1
    await client.set('sid', other)
    created['ours'] = 1
    await client.set('sid', created)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1, theirs: 1, ours: 1 })
  })

  it('of two live sessions that were made from the same read are kept', async () => {
    const client = open()
    await client.set('sid', sessionData())
    const data = (await client.get('sid'))!
    const [one, two] = [1, 2].map(() =>
      client.store.createSession({ sessionID: 'sid', sessionStore: client.store } as never, data),
    )
    await client.set('sid', Object.assign(one!, { a: 1 }))
    await client.set('sid', Object.assign(two!, { b: 1 }))
    expect(dataOf(await client.get('sid'))).toEqual({ a: 1, b: 1 })
  })

  it('do not concern an object that was never loaded: it is stored as it is', async () => {
    const client = open()
    const data = sessionData({ n: 1 })
    await client.set('sid', data)
    await client.destroy('sid')
    await client.set('sid', data)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })
})

/** Two processes on one database; the calls of the first can be held. */
function twoProcesses() {
  const table = new Map()
  const gated = gatedBank(new ReferenceBank(table))
  return { gated, slow: new Client(gated), fast: new Client(new ReferenceBank(table)) }
}

describe('a race between two processes', () => {
  it('is decided by swap, and both changes are kept', async () => {
    const { gated, slow, fast } = twoProcesses()
    await fast.set('sid', sessionData())
    const [late, early] = [await slow.load('sid'), await fast.load('sid')]
    gated.hold('swap')
    late['late'] = 1
    const saving = slow.set('sid', late)
    const held = await gated.held('swap')
    early['early'] = 1
    await fast.set('sid', early)
    gated.releaseAll()
    await held.release()
    await saving
    expect(dataOf(await fast.get('sid'))).toEqual({ early: 1, late: 1 })
  })

  it('is tried again as often as others are faster, and merged each time with what is stored', async () => {
    const { gated, slow, fast } = twoProcesses()
    await fast.set('sid', sessionData())
    const late = await slow.load('sid')
    gated.hold('swap')
    late['late'] = 1
    const saving = slow.set('sid', late)
    for (let round = 0; round < 5; round++) {
      const held = await gated.held('swap')
      const early = await fast.load('sid')
      early[`round${round}`] = round
      await fast.set('sid', early)
      await held.release()
    }
    await (await gated.held('swap')).release()
    await saving
    expect(Object.keys(dataOf(await fast.get('sid'))!).sort()).toEqual(['late', 'round0', 'round1', 'round2', 'round3', 'round4'])
  })

  it('is decided by swap for a touch with a changed cookie too, which leaves the data alone', async () => {
    const { gated, slow, fast } = twoProcesses()
    await fast.set('sid', sessionData({ n: 1 }))
    const toucher = await slow.load('sid')
    gated.hold('swap')
    toucher.cookie.maxAge = 10 * MINUTE
    const touching = slow.touch('sid', toucher)
    const held = await gated.held('swap')
    const writer = await fast.load('sid')
    writer['n'] = 2
    await fast.set('sid', writer)
    gated.releaseAll()
    await held.release()
    await touching
    const found = await fast.get('sid')
    expect(dataOf(found)).toEqual({ n: 2 })
    expect(minutesOf(found?.cookie.originalMaxAge)).toBe(10)
  })
})

it.each([
  ['an expiry', 2 * MINUTE],
  ['no expiry', null],
])('a save stores exactly JSON.stringify of the live session whose cookie has %s', async (_, maxAge) => {
  const bank = new ReferenceBank()
  const client = new Client(bank)
  await client.set('sid', sessionData({ n: 0 }, maxAge))
  const live = await client.load('sid')
  live['n'] = 1
  if (maxAge !== null) renewAge(live)
  await client.set('sid', live)
  expect((await bank.read('sid'))?.payload).toBe(JSON.stringify(live))
})

it('takes nothing for a change that another program has only written in another form', async () => {
  const bank = new ReferenceBank()
  const cookie = '"cookie":{"originalMaxAge":null,"expires":null,"path":"/"}'
  await bank.save('sid', { payload: `{${cookie},"n":1.0,"\\u0061":{"x": "\\u00e9"},"b":1}`, expires: null })
  const client = new Client(bank)
  const [first, second] = [await client.load('sid'), await client.load('sid')]
  Object.assign(first, { n: 2, a: 3 })
  await client.set('sid', first)
  second['b'] = 4
  await client.set('sid', second)
  expect(dataOf(await client.get('sid'))).toEqual({ n: 2, a: 3, b: 4 })
})
