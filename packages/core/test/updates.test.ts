import { type GatedBank, gatedBank } from '@connect-databank/conformance'
import { describe, expect, it } from 'vitest'
import { ReferenceBank } from '../../conformance/test/fixtures/reference-bank.ts'
import type { Bank } from '../src/bank.ts'
import type { Merge } from '../src/merge.ts'
import { Client, countAnew, dataOf, minute, sessionData, turnOfLoop } from './kit.ts'

/** A bank of the required methods alone, as a databank driver is. */
function bare(bank: Bank): Bank {
  return {
    read: (id) => bank.read(id),
    save: (id, entry) => bank.save(id, entry),
    delete: (id) => bank.delete(id),
  }
}

describe.each([
  ['with swap', (bank: Bank) => bank],
  ['without swap, in one process', bare],
])('parallel changes %s', (_name, limit) => {
  const open = () => new Client(limit(new ReferenceBank()))

  it('keeps what both of two requests changed, whichever is first', async () => {
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

  it('keeps all of twenty at once', async () => {
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

  it('lets ours win where both changed the same key, and keeps a removal', async () => {
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

  it('does not delete the other request’s keys by the save that follows a merged one', async () => {
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

  it('does not take back a touch of another by the save that follows a merged one', async () => {
    const bank = new ReferenceBank()
    const client = new Client(limit(bank))
    await client.set('sid', sessionData({}, 10 * minute))
    const [first, second] = [await client.load('sid'), await client.load('sid')]
    first['theirs'] = 1
    await client.set('sid', first)
    second['ours'] = 1
    second.cookie.maxAge = 5 * minute
    await client.set('sid', second)
    const later = Date.now() + 60 * minute
    await bank.touch('sid', later)
    second['later'] = 1
    await client.set('sid', second)
    expect((await bank.read('sid'))?.expires).toBe(later)
  })

  it('keeps the changes of a session that was created and saved twice by one request', async () => {
    const client = open()
    const created = sessionData({ n: 1 })
    Object.defineProperty(created, 'req', { value: {}, enumerable: false })
    await client.set('sid', created)
    const other = await client.load('sid')
    other['theirs'] = 1
    await client.set('sid', other)
    Object.assign(created, { ours: 1 })
    await client.set('sid', created)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1, theirs: 1, ours: 1 })
  })

  it('does not write a session again that was destroyed since it was loaded', async () => {
    const client = open()
    await client.set('sid', sessionData())
    const late = await client.load('sid')
    await client.destroy('sid')
    const told = client.events()
    late['back'] = true
    await client.set('sid', late)
    await client.touch('sid', late)
    expect(await client.get('sid')).toBeNull()
    expect(told).toEqual(['dropped sid'])
  })

  it('takes a saved object that was never loaded as it is', async () => {
    const client = open()
    const data = sessionData({ n: 1 })
    await client.set('sid', data)
    await client.destroy('sid')
    await client.set('sid', data)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })
})

it.each([
  ['a date', 2 * minute],
  ['no date', null],
])('an update is stored as JSON of the live session, to the letter: its cookie has %s', async (_, maxAge) => {
  const bank = new ReferenceBank()
  const client = new Client(bank)
  await client.set('sid', sessionData({ n: 0 }, maxAge))
  const live = await client.load('sid')
  live['n'] = 1
  if (maxAge !== null) countAnew(live)
  await client.set('sid', live)
  expect((await bank.read('sid'))?.payload).toBe(JSON.stringify(live))
})

describe('a race at the bank', () => {
  it('is decided by swap, and tells of the conflict', async () => {
    const place = new Map()
    const gated = gatedBank(new ReferenceBank(place))
    const [slow, fast] = [new Client(gated), new Client(new ReferenceBank(place))]
    await fast.set('sid', sessionData())
    const [late, early] = [await slow.load('sid'), await fast.load('sid')]
    const told = slow.events()
    gated.hold('swap')
    late['late'] = 1
    const saving = slow.set('sid', late)
    const held = await gated.held('swap')
    early['early'] = 1
    await fast.set('sid', early)
    gated.letGo()
    await held.release()
    await saving
    expect(dataOf(await fast.get('sid'))).toEqual({ early: 1, late: 1 })
    expect(told).toEqual(['conflict sid'])
  })

  it('tries again as often as others are faster, and merges each time with what is there', async () => {
    const place = new Map()
    const gated = gatedBank(new ReferenceBank(place))
    const [slow, fast] = [new Client(gated), new Client(new ReferenceBank(place))]
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

  it('drops a write whose session is destroyed while it is under way', async () => {
    const place = new Map()
    const gated = gatedBank(new ReferenceBank(place))
    const [slow, fast] = [new Client(gated), new Client(new ReferenceBank(place))]
    await fast.set('sid', sessionData())
    const late = await slow.load('sid')
    const told = slow.events()
    gated.hold('swap')
    late['late'] = 1
    const saving = slow.set('sid', late)
    const held = await gated.held('swap')
    await fast.destroy('sid')
    await held.release()
    await saving
    expect(await fast.get('sid')).toBeNull()
    expect(told).toEqual(['dropped sid'])
  })

  it('is decided by swap for a changed cookie too, which leaves the other’s data alone', async () => {
    const place = new Map()
    const gated = gatedBank(new ReferenceBank(place))
    const [slow, fast] = [new Client(gated), new Client(new ReferenceBank(place))]
    await fast.set('sid', sessionData({ n: 1 }))
    const toucher = await slow.load('sid')
    gated.hold('swap')
    toucher.cookie.maxAge = 10 * minute
    const touching = slow.touch('sid', toucher)
    const held = await gated.held('swap')
    const writer = await fast.load('sid')
    writer['n'] = 2
    await fast.set('sid', writer)
    gated.letGo()
    await held.release()
    await touching
    const found = await fast.get('sid')
    expect(dataOf(found)).toEqual({ n: 2 })
    expect(Math.round((found?.cookie.originalMaxAge as number) / minute)).toBe(10)
  })
})

describe('a save of which nobody knows whether it happened', () => {
  /** A session whose request has set `maybe`, by a save that failed although it happened. */
  async function failed(gated: GatedBank, client: Client) {
    await client.set('sid', sessionData({ n: 1 }))
    const live = await client.load('sid')
    gated.hold('swap')
    live['maybe'] = 'written'
    const saving = client.set('sid', live)
    const held = await gated.held('swap')
    await held.perform()
    held.fail(new Error('the connection was lost'))
    await expect(saving).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
    gated.letGo()
    return live
  }

  it('is taken back by the next, if the request has taken it back', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated)
    const live = await failed(gated, client)
    delete live['maybe']
    await client.set('sid', live)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })

  it('is made up for by the next, which leaves alone what others wrote meanwhile', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated)
    const live = await failed(gated, client)
    const other = await client.load('sid')
    other['theirs'] = 1
    await client.set('sid', other)
    await client.set('sid', live)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1, maybe: 'written', theirs: 1 })
  })

  it('does not take another’s later change back when its answer comes late', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated, { timeout: 50 })
    await client.set('sid', sessionData({ n: 1 }))
    const live = await client.load('sid')
    gated.hold('swap')
    live['first'] = 1
    countAnew(live)
    const saving = client.set('sid', live)
    const held = await gated.held('swap')
    await held.perform()
    await expect(saving).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
    live['second'] = 2
    countAnew(live)
    const again = client.set('sid', live)
    for (let round = 0; round < 2; round++) await (await gated.held('swap')).release()
    await again
    await held.release()
    await turnOfLoop()
    gated.letGo()
    const other = await client.load('sid')
    other['second'] = 'theirs'
    await client.set('sid', other)
    live['third'] = 3
    await client.set('sid', live)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1, first: 1, second: 'theirs', third: 3 })
  })
})

describe('the merge option', () => {
  const n = (each: object) => (each as { n: number }).n
  const add: Merge = (base, theirs, ours) => Object.assign(ours, { n: n(theirs) + n(ours) - n(base) })

  it('replaces the rule', async () => {
    const client = new Client(new ReferenceBank(), { merge: add })
    await client.set('sid', sessionData({ n: 10 }))
    const [first, second] = [await client.load('sid'), await client.load('sid')]
    first['n'] = 11
    second['n'] = 15
    await client.set('sid', first)
    await client.set('sid', second)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 16 })
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['gives nothing', () => undefined],
    ['gives a session without a cookie', () => ({ n: 1 })],
  ])('that %s fails the save, and nothing is written', async (_name, merge) => {
    const client = new Client(new ReferenceBank(), { merge: merge as never })
    await client.set('sid', sessionData({ n: 1 }))
    const [first, second] = [await client.load('sid'), await client.load('sid')]
    first['n'] = 2
    second['n'] = 3
    await client.set('sid', first)
    await expect(client.set('sid', second)).rejects.toMatchObject({ code: 'DATABANK_MERGE_FAILED' })
    expect(dataOf(await client.get('sid'))).toEqual({ n: 2 })
  })
})

describe('the cookie of merged versions', () => {
  it.each([
    [5, 10, 10],
    [10, 5, 10],
  ])('goes with the later death: theirs %i min, ours %i min', async (theirs, ours, longer) => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData())
    const [first, second] = [await client.load('sid'), await client.load('sid')]
    first.cookie.maxAge = theirs * minute
    first['first'] = 1
    await client.set('sid', first)
    second.cookie.maxAge = ours * minute
    second['second'] = 1
    await client.set('sid', second)
    const found = await client.get('sid')
    expect(Math.round((found?.cookie.originalMaxAge as number) / minute)).toBe(longer)
    expect(Math.abs(Date.parse(String(found?.cookie.expires)) - Date.now() - longer * minute)).toBeLessThan(minute / 2)
  })
})
