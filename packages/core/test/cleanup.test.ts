import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Bank } from '../src/bank.ts'
import { CleanupTimer } from '../src/cleanup.ts'
import { DatabankStore } from '../src/store.ts'
import {
  Client,
  dataOf,
  Gate,
  gatedBank,
  nextTurn,
  ReferenceBank,
  sessionData,
  threeMethods,
  turns,
  withScan,
} from './helpers.ts'

const EXPIRED = { payload: JSON.stringify(sessionData()), expires: Date.now() - 1 }

/** A bank of three methods and a scan, with expired sessions of these ids. */
async function bankWithExpired(...ids: string[]) {
  const reference = new ReferenceBank()
  for (const id of ids) await reference.save(id, EXPIRED)
  return { reference, gated: gatedBank(withScan(reference)) }
}

async function idsIn(bank: ReferenceBank): Promise<string[]> {
  const ids: string[] = []
  for await (const [id] of bank.scan()) ids.push(id)
  return ids
}

describe('the timer of clean-ups', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it('begins at a random moment of the first interval, and goes on an interval after each end', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const runs: number[] = []
    const start = Date.now()
    const timer = new CleanupTimer(1_000, async () => {
      runs.push(Date.now() - start)
      await new Promise((resolve) => setTimeout(resolve, 3_000))
    })
    await vi.advanceTimersByTimeAsync(9_000)
    timer.stop()
    expect(runs).toEqual([500, 4_500, 8_500])
    await vi.advanceTimersByTimeAsync(100_000)
    expect(runs).toHaveLength(3)
  })

  it('goes on after a failure', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    let runs = 0
    const timer = new CleanupTimer(10, async () => {
      runs++
      throw new Error('down')
    })
    await vi.advanceTimersByTimeAsync(25)
    timer.stop()
    expect(runs).toBe(3)
  })

  it('waits longer than a timer of Node.js can', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    let runs = 0
    const interval = 2 ** 32
    const timer = new CleanupTimer(interval, async () => void runs++)
    await vi.advanceTimersByTimeAsync(interval - 1)
    expect(runs).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(runs).toBe(1)
    timer.stop()
  })
})

describe('regular clean-ups of a store', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }))
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it('delete expired sessions every cleanupInterval, until the store is closed', async () => {
    const bank = gatedBank(new ReferenceBank())
    await bank.save('expired', EXPIRED)
    const store = new DatabankStore({ bank, cleanupInterval: 1_000 })
    await vi.advanceTimersByTimeAsync(1_000)
    await turns(3)
    expect([bank.calls('purge'), await bank.read('expired')]).toEqual([1, null])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(bank.calls('purge')).toBe(2)
    await store.close()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(bank.calls('purge')).toBe(2)
  })

  it.each([
    ['is null', { cleanupInterval: null }, new ReferenceBank() as Bank],
    ['is set, and the bank can neither purge nor list', { cleanupInterval: 1 }, threeMethods(new ReferenceBank())],
  ])('do not happen where cleanupInterval %s', async (_name, options, bank) => {
    const gated = gatedBank(bank)
    new DatabankStore({ bank: gated, ...options })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('never overlap: the next begins an interval after the one before has really ended, also after its time-out', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const bank = gatedBank(new ReferenceBank())
    const store = new DatabankStore({ bank, cleanupInterval: 1_000, timeout: 10 })
    bank.hold('purge')
    await vi.advanceTimersByTimeAsync(1)
    const held = await bank.held('purge')
    await vi.advanceTimersByTimeAsync(2_500)
    expect(bank.calls('purge')).toBe(1)
    await held.release()
    await turns(3)
    await vi.advanceTimersByTimeAsync(999)
    expect(bank.calls('purge')).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(bank.calls('purge')).toBe(2)
    bank.releaseAll()
    vi.useRealTimers()
    await store.close()
  })
})

describe('cleanup', () => {
  it('that is called during another one shares its result', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    bank.hold('purge')
    const first = client.store.cleanup()
    const held = await bank.held('purge')
    const second = client.store.cleanup()
    held.fail(new Error('down'))
    const outcomes = await Promise.allSettled([first, second])
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected'])
    expect(bank.calls('purge')).toBe(1)
    bank.releaseAll()
    await client.store.cleanup()
    expect(bank.calls('purge')).toBe(2)
  })

  it('needs a bank that can purge or list, and says so', async () => {
    const client = new Client(threeMethods(new ReferenceBank()))
    const lacking = { code: 'DATABANK_NOT_SUPPORTED' }
    await expect(client.store.cleanup()).rejects.toMatchObject(lacking)
    await expect(client.store.all()).rejects.toMatchObject(lacking)
    await expect(client.store.length()).rejects.toMatchObject(lacking)
    await expect(client.store.clear()).rejects.toMatchObject(lacking)
    await expect(client.store.entries().next()).rejects.toMatchObject(lacking)
  })
})

describe('a clean-up that core makes from a scan', () => {
  it('deletes expired sessions, and neither live ones nor what was extended since the scan', async () => {
    const { reference, gated } = await bankWithExpired('expired', 'renewed')
    const client = new Client(gated)
    await client.set('live', sessionData())
    gated.hold('read')
    const cleaning = client.store.cleanup()
    const [first, second] = [await gated.held('read'), await gated.held('read')]
    expect([first.args, second.args]).toEqual([['expired'], ['renewed']])
    await reference.save('renewed', { ...EXPIRED, expires: null })
    gated.releaseAll()
    await cleaning
    expect((await idsIn(reference)).sort()).toEqual(['live', 'renewed'])
  })

  it('deletes the others when one delete fails, and reports the failure at the end', async () => {
    const { reference } = await bankWithExpired('a', 'b', 'c', 'd')
    const bank: Bank = {
      ...withScan(reference),
      delete: (id) => (id === 'b' ? Promise.reject(new Error('b is locked')) : reference.delete(id)),
    }
    const error = vi.fn()
    const client = new Client(bank, { log: { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error } })
    await expect(client.store.cleanup()).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED', message: 'b is locked' })
    expect(await idsIn(reference)).toEqual(['b'])
    expect(error.mock.calls).toEqual([
      ['connect-databank: cleanup failed', { err: expect.objectContaining({ message: 'b is locked' }) }],
    ])
  })

  it('deletes the others when one read or delete hangs', async () => {
    const { reference } = await bankWithExpired('a', 'b', 'c', 'd')
    const bank: Bank = {
      ...withScan(reference),
      read: (id) => (id === 'b' ? new Promise(() => {}) : reference.read(id)),
      delete: (id) => (id === 'c' ? new Promise(() => {}) : reference.delete(id)),
    }
    await expect(new Client(bank, { timeout: 50 }).store.cleanup()).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
    expect((await idsIn(reference)).sort()).toEqual(['b', 'c'])
  })

  it('does nothing more when it has timed out', async () => {
    const { reference, gated } = await bankWithExpired('a', 'b')
    const gate = new Gate()
    async function* scan(): ReturnType<NonNullable<Bank['scan']>> {
      await gate.pass('scan')
      yield* reference.scan()
    }
    const client = new Client({ ...threeMethods(gated), scan }, { timeout: 20 })
    await expect(client.store.cleanup()).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
    gate.release('scan')
    await turns(10)
    expect([gated.calls('read'), gated.calls('delete')]).toEqual([0, 0])
  })

  it('does not delete when the read for it is answered only after its deadline', async () => {
    const { gated } = await bankWithExpired('a')
    const client = new Client(gated, { timeout: 20 })
    gated.hold('read')
    const cleaning = client.store.cleanup()
    const held = await gated.held('read')
    await expect(cleaning).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
    await held.release()
    await turns(5)
    expect(gated.calls('delete')).toBe(0)
  })

  it('never deletes what a save of the same process has stored since', async () => {
    const { reference, gated } = await bankWithExpired('sid')
    const client = new Client(gated)
    gated.hold('delete')
    const cleaning = client.store.cleanup()
    const held = await gated.held('delete')
    const saving = client.set('sid', sessionData({ n: 1 }))
    await nextTurn()
    // Without its turn, the save is stored now, and deleted then.
    gated.releaseAll()
    await saving.then(() => held.release())
    await Promise.all([saving, cleaning])
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
    expect(await idsIn(reference)).toEqual(['sid'])
  })

  it('goes on as long as it makes progress, beyond what one operation may take', async () => {
    const { reference } = await bankWithExpired(...Array.from({ length: 200 }, (_, index) => `id${index}`))
    const slowly = <T>(value: Promise<T>): Promise<T> => new Promise((resolve) => setTimeout(() => resolve(value), 30))
    const bank: Bank = { ...withScan(reference), delete: (id) => slowly(reference.delete(id)) }
    const client = new Client(bank, { timeout: 60 })
    await client.store.cleanup()
    expect(await idsIn(reference)).toEqual([])
  })
})

describe('entries', () => {
  it('streams ids and sessions, and ends the scan of the bank when its caller ends early', async () => {
    let isEnded = false
    const reference = new ReferenceBank()
    async function* scan(): ReturnType<NonNullable<Bank['scan']>> {
      try {
        yield* reference.scan()
      } finally {
        isEnded = true
      }
    }
    const client = new Client({ ...threeMethods(reference), scan })
    await client.set('a', sessionData({ n: 1 }))
    await client.set('b', sessionData({ n: 2 }))
    const seen: unknown[] = []
    for await (const [id, found] of client.store.entries()) {
      seen.push([id, dataOf(found)])
      break
    }
    await nextTurn()
    expect(seen).toEqual([['a', { n: 1 }]])
    expect(isEnded).toBe(true)
  })
})
