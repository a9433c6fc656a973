import type { SessionData } from 'express-session'
import { describe, expect, it, vi } from 'vitest'
import type { Bank } from '../src/bank.ts'
import { DatabankStore } from '../src/store.ts'
import { Client, gatedBank, nextTurn, ReferenceBank, sessionData, threeMethods, turns, withScan } from './helpers.ts'
import { collectUncaught } from './uncaught.ts'

const OPERATIONS = ['get', 'set', 'touch', 'destroy', 'all', 'length', 'clear', 'cleanup'] as const
type Operation = (typeof OPERATIONS)[number]

/** Calls an operation with the arguments that it takes. */
function call(store: DatabankStore, operation: Operation, ...callback: unknown[]): unknown {
  const args =
    { get: ['sid'], destroy: ['sid'], set: ['sid', sessionData()], touch: ['sid', sessionData()] }[operation as 'get'] ?? []
  return (store[operation] as (...args: unknown[]) => unknown)(...args, ...callback)
}

/** A bank each of whose methods does this, a scan at its first step. */
function everyMethod(behave: () => unknown): Bank {
  const scan = () => ({ [Symbol.asyncIterator]: () => ({ next: behave }) })
  return new Proxy(new ReferenceBank(), {
    get: (bank, name) => (name === 'scan' ? scan : typeof Reflect.get(bank, name) === 'function' ? behave : undefined),
  }) as Bank
}

const uncaught = collectUncaught()

describe.each(OPERATIONS)('%s calls back once', (operation) => {
  const resultOf = async (bank: Bank, options: object = {}) => {
    const results: unknown[][] = []
    call(new DatabankStore({ bank, timeout: 50, ...options }), operation, (...result: unknown[]) => results.push(result))
    await vi.waitFor(() => expect(results).not.toEqual([]), { timeout: 5_000, interval: 5 })
    await nextTurn()
    expect(uncaught).toEqual([])
    expect(results).toHaveLength(1)
    return results[0] as [(Error & { code: string }) | null, unknown]
  }

  it.each([
    ['all capabilities', (bank: Bank) => bank],
    ['three methods and a scan', withScan],
  ])('when it succeeds, with one argument where there is no value, on a bank of %s', async (_name, limit) => {
    const bank = new ReferenceBank()
    await new Client(bank).set('sid', sessionData())
    const hasValue = ['get', 'all', 'length'].includes(operation)
    const result = await resultOf(limit(bank), { timeout: 5_000 })
    expect(result).toHaveLength(hasValue ? 2 : 1)
    expect(result[0]).toBeNull()
  })

  it('when the bank rejects', async () => {
    const failure = new Error('down')
    const [error] = await resultOf(everyMethod(() => Promise.reject(failure)))
    expect(error).toMatchObject({ code: 'DATABANK_BACKEND_FAILED', message: 'down', cause: failure })
  })

  it('when the bank throws', async () => {
    const [error] = await resultOf(
      everyMethod(() => {
        throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      }),
    )
    expect(error?.code).toBe('DATABANK_BACKEND_FAILED')
  })

  it('when the bank hangs', async () => {
    const [error] = await resultOf(everyMethod(() => new Promise(() => {})))
    expect(error?.code).toBe('DATABANK_TIMEOUT')
  })

  it('when the bank answers after the deadline', async () => {
    const late: (() => void)[] = []
    const [error] = await resultOf(everyMethod(() => new Promise((resolve) => late.push(() => resolve(null)))))
    expect(error?.code).toMatch('DATABANK_')
    for (const answer of late) answer()
    await nextTurn()
    expect(uncaught).toEqual([])
  })

  it('when the store was closed', async () => {
    const store = new DatabankStore({ bank: new ReferenceBank() })
    await store.close()
    const results: unknown[][] = []
    call(store, operation, (...result: unknown[]) => results.push(result))
    expect(results).toEqual([])
    await nextTurn()
    expect(results).toEqual([[expect.objectContaining({ code: 'DATABANK_CLOSED' })]])
  })

  it('not before the call has returned', () => {
    let isCalledBack = false
    call(new DatabankStore({ bank: new ReferenceBank() }), operation, () => {
      isCalledBack = true
    })
    expect(isCalledBack).toBe(false)
  })

  it('a callback that throws, whose error is an uncaught exception', async () => {
    const thrown = new Error('from the callback')
    let calls = 0
    call(new DatabankStore({ bank: new ReferenceBank() }), operation, () => {
      calls++
      throw thrown
    })
    await vi.waitFor(() => expect(uncaught).toEqual([thrown]))
    await nextTurn()
    expect(calls).toBe(1)
    expect(uncaught).toEqual([thrown])
  })
})

describe.each(OPERATIONS)('%s without a callback', (operation) => {
  it('returns a promise of its value, and undefined with a callback', async () => {
    const bank = new ReferenceBank()
    const store = new DatabankStore({ bank })
    await store.set('sid', sessionData({ n: 1 }))
    const found = expect.objectContaining({ n: 1 })
    const expected = { get: found, all: [found], length: 1 }[operation as 'get']
    expect(await call(store, operation)).toEqual(expected)
    expect(call(store, operation, () => {})).toBeUndefined()
    await turns(3)
  })

  it('rejects with a coded error', async () => {
    const failure = new Error('down')
    const store = new DatabankStore({ bank: everyMethod(() => Promise.reject(failure)) })
    await expect(call(store, operation)).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED', cause: failure })
  })

  it.each([
    ['succeeds', new ReferenceBank()],
    ['fails', everyMethod(() => Promise.reject(new Error('down')))],
  ])('is no unhandled rejection when nobody waits for it and it %s', async (_name, bank) => {
    call(new DatabankStore({ bank }), operation)
    await turns(3)
    expect(uncaught).toEqual([])
  })
})

describe('further methods that return promises', () => {
  const METHODS: [string, (store: DatabankStore) => Promise<unknown>][] = [
    ['update', (store) => store.update('sid', () => {})],
    ['destroyById', (store) => store.destroyById('sid')],
    ['destroySessionsOf', (store) => store.destroySessionsOf('ada')],
    ['reindexOwners', (store) => store.reindexOwners()],
    ['open', (store) => store.open()],
    ['close', (store) => store.close()],
  ]
  const owner = () => 'ada'

  it.each(METHODS)('%s rejects with a coded error, and is no unhandled rejection', async (_name, run) => {
    const bank = new Proxy(
      everyMethod(() => Promise.reject(new Error('down'))),
      {
        get: (target, name) =>
          name === 'idsOf'
            ? () => ({ [Symbol.asyncIterator]: () => ({ next: Reflect.get(target, 'read') }) })
            : Reflect.get(target, name),
      },
    )
    const store = new DatabankStore({ bank, owner })
    await expect(run(store)).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
    run(new DatabankStore({ bank, owner }))
    await turns(3)
    expect(uncaught).toEqual([])
  })

  it.each(METHODS)('%s ends in time when the bank hangs', async (_name, run) => {
    const hang = () => new Promise(() => {})
    const bank = new Proxy(everyMethod(hang), {
      get: (target, name) =>
        name === 'idsOf' ? () => ({ [Symbol.asyncIterator]: () => ({ next: hang }) }) : Reflect.get(target, name),
    })
    await expect(run(new DatabankStore({ bank, owner, timeout: 50 }))).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
  })

  it('open and close succeed on a bank that has neither', async () => {
    const store = new DatabankStore({ bank: threeMethods(new ReferenceBank()) })
    expect([await store.open(), await store.close()]).toEqual([undefined, undefined])
  })
})

describe('an id that is none', () => {
  it.each([undefined, null, '', 7, {}])('(%s) gets a coded error from every operation, and reaches no bank', async (sid) => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    const invalid = { code: 'DATABANK_INVALID_ID' }
    await expect(client.get(sid as string)).rejects.toMatchObject(invalid)
    await expect(client.set(sid as string, sessionData())).rejects.toMatchObject(invalid)
    await expect(client.touch(sid as string, sessionData())).rejects.toMatchObject(invalid)
    await expect(client.destroy(sid as string)).rejects.toMatchObject(invalid)
    await expect(client.store.update(sid as string, () => {})).rejects.toMatchObject(invalid)
    await expect(client.store.destroyById(sid as string)).rejects.toMatchObject(invalid)
    expect(['read', 'save', 'swap', 'touch', 'delete'].map((method) => bank.calls(method as 'read'))).toEqual([0, 0, 0, 0, 0])
  })
})

describe('a session that get returns', () => {
  /** A bank that answers at once, and tells when its answers are read. */
  function recordingBank(order: string[]): Bank {
    const read = async (id: string) => ({
      get payload() {
        if (order.at(-1) !== `decoded ${id}`) order.push(`decoded ${id}`)
        return JSON.stringify(sessionData())
      },
      expires: null,
    })
    return { read, save: async () => {}, delete: async () => true }
  }

  it('is decoded right before its callback, so that of many answers that come at once one session is held', async () => {
    const order: string[] = []
    const store = new DatabankStore({ bank: recordingBank(order) })
    const get = (id: string) =>
      new Promise<void>((resolve) => {
        store.get(id, () => {
          order.push(`returned ${id}`)
          resolve()
        })
      })
    await Promise.all(['a', 'b', 'c'].map(get))
    expect(order).toEqual(['decoded a', 'returned a', 'decoded b', 'returned b', 'decoded c', 'returned c'])
  })
})

describe('all', () => {
  it('gives each session its id, which is not enumerable', async () => {
    const client = new Client(new ReferenceBank())
    await client.set('one', sessionData({ n: 1 }))
    await client.set('two', sessionData({ n: 2 }))
    const all = (await client.store.all()) as (SessionData & { id: string; n: number })[]
    expect(all.map(({ id, n }) => [id, n]).sort()).toEqual([
      ['one', 1],
      ['two', 2],
    ])
    expect(all.map((session) => Object.keys(session))).toEqual([
      ['cookie', 'n'],
      ['cookie', 'n'],
    ])
    expect(JSON.stringify(all)).not.toMatch(/"one"|"two"/)
  })

  it('gives it to a session whose data have a member id, too: express-session has no such sessions', async () => {
    const client = new Client(new ReferenceBank())
    await client.set('one', sessionData({ id: 'mine' }))
    const [session] = (await client.store.all()) as (SessionData & { id: string })[]
    expect([session!.id, Object.keys(session!)]).toEqual(['one', ['cookie']])
  })
})
