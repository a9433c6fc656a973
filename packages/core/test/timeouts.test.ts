import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Bank, extend, type Stored } from '../src/bank.ts'
import { DatabankStore } from '../src/store.ts'
import {
  Client,
  dataOf,
  gatedBank,
  MINUTE,
  newSession,
  nextTurn,
  ReferenceBank,
  renewAge,
  sessionData,
  threeMethods,
  turns,
  withCookie,
} from './helpers.ts'

afterEach(() => void vi.useRealTimers())

const TIMED_OUT = { code: 'DATABANK_TIMEOUT' }

describe('check', () => {
  it('has one deadline for its read and the description', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const bank = gatedBank(extend(new ReferenceBank(), { describe: () => new Promise(() => {}) }))
    const store = new DatabankStore({ bank, timeout: 160 })
    bank.hold('read')
    const checking = store.check()
    const read = await bank.held('read')
    vi.advanceTimersByTime(150)
    await read.release()
    await nextTurn()
    vi.advanceTimersByTime(20)
    await expect(checking).rejects.toMatchObject(TIMED_OUT)
  })

  it('says unknown where the database does not let its user ask for the server', async () => {
    const describe = () => Promise.reject(new Error('not allowed'))
    const store = new DatabankStore({ bank: extend(new ReferenceBank(), { describe }) })
    expect(await store.check()).toMatchObject({ backend: 'reference', server: 'unknown' })
  })
})

describe('an operation that has timed out', () => {
  it('holds up the next write of its session no longer than its own deadline', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank, { timeout: 100 })
    bank.hold('save')
    const hung = client.set('sid', sessionData({ n: 1 }))
    await bank.held('save')
    const events = client.events()
    await expect(hung).rejects.toMatchObject(TIMED_OUT)
    bank.releaseAll()
    await client.set('sid', sessionData({ n: 2 }))
    expect(dataOf(await client.get('sid'))).toEqual({ n: 2 })
    expect(events).toEqual(['timeout sid'])
  })

  it('does not begin, if its turn comes only then', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated, { timeout: 50 })
    await client.set('sid', sessionData({ n: 1 }))
    gated.hold('delete', 'save')
    const outcomes = [client.destroy('sid'), client.set('sid', sessionData({ n: 2 }))]
    for (const outcome of await Promise.allSettled(outcomes)) expect(outcome).toMatchObject({ reason: TIMED_OUT })
    await nextTurn()
    expect(gated.calls('save')).toBe(1)
    gated.releaseAll()
  })

  it('does not overwrite what was written since, without swap, in one process', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(threeMethods(gated), { timeout: 50 })
    await client.set('sid', sessionData({ n: 1 }))
    const [first, second] = [await client.load('sid'), await client.load('sid')]
    gated.hold('read')
    for (const live of [first, second]) renewAge(live)
    first['first'] = 1
    const timedOut = client.set('sid', first)
    const late = await gated.held('read')
    await late.perform()
    await expect(timedOut).rejects.toMatchObject(TIMED_OUT)
    second['second'] = 2
    const saving = client.set('sid', second)
    await (await gated.held('read')).release()
    await saving
    await late.release()
    await nextTurn()
    gated.releaseAll()
    await nextTurn()
    expect(dataOf(await client.get('sid'))).toMatchObject({ n: 1, second: 2 })
  })

  it('does not overwrite what was written since, if it had to read the creation time first', async () => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated, { timeout: 50, absoluteTimeout: 60 * MINUTE })
    gated.hold('read')
    const timedOut = client.set('sid', sessionData({ n: 1 }))
    const late = await gated.held('read')
    await expect(timedOut).rejects.toMatchObject(TIMED_OUT)
    const saving = client.set('sid', sessionData({ n: 2 }))
    await (await gated.held('read')).release()
    await saving
    await late.release()
    gated.releaseAll()
    await turns(2)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 2 })
  })
})

/** A bank on which another process is always faster, from when `isLosing` is set. Its payload is the version. */
function losingBank({ hasSwap, answersLater }: { hasSwap: boolean; answersLater: boolean }) {
  const entries = new Map<string, Stored>()
  const state = { isLosing: false, attempts: 0 }
  const answer = (): Promise<unknown> => (answersLater ? nextTurn() : Promise.resolve())
  const bank: Bank = {
    async read(id) {
      await answer()
      const stored = entries.get(id) ?? null
      if (stored === null || hasSwap || !state.isLosing) return stored
      // Each read finds what another process has written since the last one.
      state.attempts++
      return { ...stored, payload: `${stored.payload.slice(0, -1)},"n${state.attempts}":1}` }
    },
    async save(id, entry) {
      await answer()
      entries.set(id, entry)
    },
    delete: async (id) => entries.delete(id),
  }
  const swap: Bank['swap'] = async (id, _expected, entry) => {
    await answer()
    state.attempts++
    if (state.isLosing) return null
    entries.set(id, entry)
    return entry.payload
  }
  return { bank: hasSwap ? { ...bank, swap } : bank, state }
}

type Live = Awaited<ReturnType<Client['load']>>

const OPERATIONS: [string, (client: Client, live: Live) => Promise<unknown>][] = [
  ['a save', (client, live) => client.set('sid', Object.assign(live, { ours: 1 }))],
  ['a touch', (client, live) => client.touch('sid', renewAge(live))],
  ['a touch with a changed cookie', (client, live) => client.touch('sid', withCookie(live, { path: '/other' }))],
  ['an update', (client) => client.store.update('sid', (session) => void Object.assign(session, { ours: 1 }))],
  ['a first save', (client) => client.set('sid', newSession({}))],
]

describe.each([
  ['with swap', 'at once', { hasSwap: true, answersLater: false }],
  ['with swap', 'in a later turn', { hasSwap: true, answersLater: true }],
  ['without swap', 'at once', { hasSwap: false, answersLater: false }],
  ['without swap', 'in a later turn', { hasSwap: false, answersLater: true }],
])('on a bank %s that answers %s, where another process is always faster,', (_name, _when, kind) => {
  // Without swap, a first save is a save, which nothing can lose to.
  const operations = OPERATIONS.filter(([name]) => kind.hasSwap || name !== 'a first save')

  it.each(operations)('%s lets timers run, ends with its deadline, and does not try again then', async (_operation, run) => {
    const { bank, state } = losingBank(kind)
    const client = new Client(bank, { timeout: 60 })
    await client.set('sid', sessionData({ n: 1 }))
    const live = await client.load('sid')
    state.attempts = 0
    state.isLosing = true
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    await expect(run(client, live)).rejects.toMatchObject(TIMED_OUT)
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(5)
    // An attempt may be under way.
    await turns(5)
    const { attempts } = state
    expect(attempts).toBeGreaterThan(1)
    // Far fewer than a loop without pauses would make.
    expect(attempts).toBeLessThan(200)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(state.attempts).toBe(attempts)
  })
})
