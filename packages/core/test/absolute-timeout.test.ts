import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Bank } from '../src/bank.ts'
import {
  Client,
  dataOf,
  gatedBank,
  MINUTE,
  newSession,
  ReferenceBank,
  renewAge,
  sessionData,
  threeMethods,
  withCookie,
  withScan,
} from './helpers.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const HOUR = 60 * MINUTE
const LIMIT = 8 * HOUR

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: START }))
afterEach(() => void vi.useRealTimers())

const FAR = new Date(START + 20 * HOUR)

const at = (time: number) => void vi.setSystemTime(START + time)

const BANKS: [string, (bank: Bank) => Bank][] = [
  ['with all capabilities', (bank) => bank],
  ['with swap and no touch', (bank) => ({ ...threeMethods(bank), swap: (...args) => bank.swap!(...args) })],
  ['of three methods', threeMethods],
]

function open(limit: (bank: Bank) => Bank = (bank) => bank) {
  const bank = new ReferenceBank()
  const expires = async () => ((await bank.read('sid'))?.expires ?? Number.NaN) - START
  return { bank, client: new Client(limit(bank), { absoluteTimeout: LIMIT }), expires }
}

/** What a request does at its end, in the middle of the lifetime, each with an age that leads beyond the absolute time-out. */
const WRITES: [string, (client: Client, live: Awaited<ReturnType<Client['load']>>) => Promise<unknown>][] = [
  ['a touch', (client, live) => client.touch('sid', renewAge(live))],
  ['a touch with a longer maxAge', (client, live) => client.touch('sid', withCookie(live, { maxAge: 20 * HOUR }))],
  ['a touch with no expiry', (client, live) => client.touch('sid', withCookie(live, { maxAge: null }))],
  ['a touch with an expiry of its own', (client, live) => client.touch('sid', withCookie(live, { expires: FAR }))],
  ['a save', (client, live) => client.set('sid', Object.assign(renewAge(live), { n: 2 }))],
  ['a save without a change', (client, live) => client.set('sid', renewAge(live))],
  [
    'a save with a longer maxAge',
    (client, live) => client.set('sid', Object.assign(withCookie(live, { maxAge: 20 * HOUR }), { n: 2 })),
  ],
  [
    'an update with a longer maxAge',
    (client) => client.store.update('sid', (session) => void withCookie(session, { originalMaxAge: 20 * HOUR, expires: FAR })),
  ],
  [
    'a merged save',
    async (client, live) => {
      await client.set('sid', Object.assign(await client.load('sid'), { theirs: 1 }))
      await client.set('sid', Object.assign(renewAge(live), { n: 2 }))
    },
  ],
  [
    'a save merged with a longer maxAge',
    async (client, live) => {
      const theirs = withCookie(await client.load('sid'), { maxAge: 20 * HOUR })
      await client.set('sid', Object.assign(theirs, { theirs: 1 }))
      await client.set('sid', Object.assign(live, { n: 2 }))
    },
  ],
  ['a save of an object that was never loaded', (client) => client.set('sid', sessionData({ n: 2 }, 20 * HOUR))],
  ['a touch of an object that was never loaded', (client) => client.touch('sid', sessionData({}, 20 * HOUR))],
]

describe.each(BANKS)('the absolute time-out, on a bank %s,', (_name, limit) => {
  it.each(WRITES)('is not extended by %s', async (_write, write) => {
    const { client, expires } = open(limit)
    await client.set('sid', sessionData({ n: 1 }, 5 * HOUR))
    expect(await expires()).toBe(5 * HOUR)
    at(4 * HOUR)
    await write(client, await client.load('sid'))
    expect(await expires()).toBe(LIMIT)
    at(LIMIT - 1)
    expect(await client.get('sid')).not.toBeNull()
    at(LIMIT)
    expect(await client.get('sid')).toBeNull()
  })

  it('holds for a new session with a longer age, and for a browser session', async () => {
    for (const maxAge of [20 * HOUR, null]) {
      const { client, expires } = open(limit)
      await client.set('sid', newSession({}, maxAge))
      expect(await expires()).toBe(LIMIT)
    }
  })

  it('does not extend a shorter age', async () => {
    const { client, expires } = open(limit)
    await client.set('sid', sessionData({}, HOUR))
    const live = await client.load('sid')
    at(MINUTE)
    renewAge(live)
    await client.touch('sid', live)
    expect(await expires()).toBe(HOUR + MINUTE)
  })
})

describe('a session whose entry another store has extended', () => {
  it('ends at its absolute time-out for every operation', async () => {
    const { bank, client } = open(withScan)
    await client.set('sid', sessionData({ n: 1 }, 5 * HOUR))
    const early = await client.load('sid')
    await bank.touch('sid', START + 100 * HOUR, Date.now())
    at(LIMIT - 1)
    expect((await client.get('sid'))?.cookie.expires).toBe(new Date(START + LIMIT).toISOString())
    at(LIMIT)
    expect(await client.get('sid')).toBeNull()
    expect(await client.store.all()).toEqual([])
    expect(await client.store.length()).toBe(0)
    expect(await client.store.update('sid', (session) => void Object.assign(session, { n: 2 }))).toBeNull()
    await client.touch('sid', sessionData({}, 5 * HOUR))
    await client.set('sid', Object.assign(early, { late: 1 }))
    expect(await client.get('sid')).toBeNull()
  })
})

describe('the creation time', () => {
  it('stays when a session is saved, touched and updated', async () => {
    const { client, bank } = open()
    await client.set('sid', newSession({ n: 1 }, 5 * HOUR))
    const createdOf = async () => JSON.parse((await bank.read('sid'))!.payload).__databank.created - START
    expect(await createdOf()).toBe(0)
    at(HOUR)
    const live = await client.load('sid')
    live.cookie.path = '/other'
    await client.touch('sid', live)
    await client.set('sid', Object.assign(live, { n: 2 }))
    await client.store.update('sid', (session) => void Object.assign(session, { n: 3 }))
    expect(await createdOf()).toBe(0)
  })

  it('is not seen by the application', async () => {
    const { client } = open()
    await client.set('sid', newSession({ n: 1 }, 5 * HOUR))
    expect([dataOf(await client.get('sid')), (await client.store.all()).map(dataOf)]).toEqual([{ n: 1 }, [{ n: 1 }]])
    const live = await client.load('sid')
    expect(JSON.stringify(live)).not.toContain('__databank')
  })

  it('of a regenerated session is its own', async () => {
    const { client, bank } = open()
    await client.set('old', newSession({}, 5 * HOUR))
    at(7 * HOUR)
    await client.destroy('old')
    await client.set('sid', newSession({}, 5 * HOUR))
    expect((await bank.read('sid'))?.expires).toBe(START + 12 * HOUR)
  })

  it('of a new session that is stored under an old id is its own as well', async () => {
    const { client, bank } = open()
    await client.set('sid', newSession({}, 5 * HOUR))
    at(4 * HOUR)
    await client.set('sid', newSession({}, 20 * HOUR))
    expect((await bank.read('sid'))?.expires).toBe(START + 12 * HOUR)
  })

  it('of a session that was stored without one is when it is first touched or saved', async () => {
    for (const write of ['touch', 'set'] as const) {
      at(0)
      const { client, bank } = open()
      await new Client(bank).set('sid', sessionData({ n: 1 }, 5 * HOUR))
      at(2 * HOUR)
      const live = await client.load('sid')
      renewAge(live)
      await client[write]('sid', write === 'set' ? Object.assign(live, { n: 2 }) : live)
      at(6 * HOUR)
      const later = await client.load('sid')
      renewAge(later)
      await client.touch('sid', later)
      expect((await bank.read('sid'))?.expires).toBe(START + 10 * HOUR)
    }
  })

  it('is not stored without absoluteTimeout and maxSessionsPerOwner, and is kept where it is stored', async () => {
    const { client, bank } = open()
    const plain = new Client(bank)
    await plain.set('plain', newSession({ n: 1 }))
    expect((await bank.read('plain'))?.payload).not.toContain('__databank')
    await client.set('sid', newSession({ n: 1 }))
    await plain.set('sid', Object.assign(await plain.load('sid'), { n: 2 }))
    expect([(await bank.read('sid'))?.payload, dataOf(await plain.get('sid'))]).toEqual([
      expect.stringContaining(`"__databank":{"created":${START}}`),
      { n: 2 },
    ])
  })

  it('costs no read for a request’s own sessions', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated, { absoluteTimeout: LIMIT })
    const created = newSession({ n: 1 }, HOUR)
    await client.set('sid', created)
    at(MINUTE)
    renewAge(created)
    await client.set('sid', Object.assign(created, { n: 2 }))
    expect([gated.calls('read'), gated.calls('swap')]).toEqual([0, 2])
  })
})
