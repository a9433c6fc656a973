import { gatedBank } from '@connect-databank/conformance'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ReferenceBank } from '../../conformance/test/fixtures/reference-bank.ts'
import type { Bank } from '../src/bank.ts'
import { DatabankStore } from '../src/store.ts'
import { Client, dataOf, sessionData, turnOfLoop } from './kit.ts'

const operations = ['get', 'set', 'touch', 'destroy', 'all', 'length', 'clear', 'cleanup'] as const

/** Calls any operation with what it takes. */
function call(store: DatabankStore, operation: (typeof operations)[number], ...callback: unknown[]): void {
  const args =
    { get: ['sid'], destroy: ['sid'], set: ['sid', sessionData()], touch: ['sid', sessionData()] }[operation as 'get'] ?? []
  ;(store[operation] as (...args: unknown[]) => void)(...args, ...callback)
}

/** A bank each of whose methods does this, a scan at its first step. */
function everyMethod(behave: () => unknown): Bank {
  const scan = () => ({ [Symbol.asyncIterator]: () => ({ next: behave }) })
  return new Proxy(new ReferenceBank(), {
    get: (bank, name) => (name === 'scan' ? scan : typeof Reflect.get(bank, name) === 'function' ? behave : undefined),
  }) as Bank
}

/** What the process hears of uncaught errors and unhandled rejections while a test runs. */
const uncaught: unknown[] = []
const hear = (error: unknown) => uncaught.push(error)
let others: { exception: NodeJS.UncaughtExceptionListener[]; rejection: NodeJS.UnhandledRejectionListener[] }

beforeEach(() => {
  uncaught.length = 0
  others = { exception: process.listeners('uncaughtException'), rejection: process.listeners('unhandledRejection') }
  process.removeAllListeners('uncaughtException').removeAllListeners('unhandledRejection')
  process.on('uncaughtException', hear).on('unhandledRejection', hear)
})

afterEach(() => {
  process.removeListener('uncaughtException', hear).removeListener('unhandledRejection', hear)
  for (const listener of others.exception) process.on('uncaughtException', listener)
  for (const listener of others.rejection) process.on('unhandledRejection', listener)
})

describe.each(operations)('%s answers once', (operation) => {
  const answersOf = async (bank: Bank, options: object = {}) => {
    const answers: unknown[][] = []
    call(new DatabankStore({ bank, timeout: 50, ...options }), operation, (...answer: unknown[]) => answers.push(answer))
    await vi.waitFor(() => expect(answers).not.toEqual([]), { timeout: 5_000, interval: 5 })
    await turnOfLoop()
    expect(uncaught).toEqual([])
    expect(answers).toHaveLength(1)
    return answers[0] as [(Error & { code: string }) | null, unknown]
  }

  it('when all is well', async () => {
    expect((await answersOf(new ReferenceBank()))[0]).toBeNull()
  })

  it('when the bank rejects', async () => {
    const failure = new Error('down')
    const [error] = await answersOf(everyMethod(() => Promise.reject(failure)))
    expect(error).toMatchObject({ code: 'DATABANK_BACKEND_FAILED', message: 'down', cause: failure })
  })

  it('when the bank throws', async () => {
    const [error] = await answersOf(
      everyMethod(() => {
        throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      }),
    )
    expect(error?.code).toBe('DATABANK_BACKEND_FAILED')
  })

  it('when the bank hangs', async () => {
    const [error] = await answersOf(everyMethod(() => new Promise(() => {})))
    expect(error?.code).toBe('DATABANK_TIMEOUT')
  })

  it('when the bank answers after the deadline', async () => {
    const late: (() => void)[] = []
    const [error] = await answersOf(everyMethod(() => new Promise((resolve) => late.push(() => resolve(null)))))
    expect(error?.code).toMatch('DATABANK_')
    for (const answer of late) answer()
    await turnOfLoop()
    expect(uncaught).toEqual([])
  })

  it('never while the operation is being called', () => {
    let isCalledBack = false
    call(new DatabankStore({ bank: new ReferenceBank() }), operation, () => {
      isCalledBack = true
    })
    expect(isCalledBack).toBe(false)
  })

  it('a callback that throws, whose error goes to the process as from any callback', async () => {
    const thrown = new Error('from the callback')
    let calls = 0
    call(new DatabankStore({ bank: new ReferenceBank() }), operation, () => {
      calls++
      throw thrown
    })
    await vi.waitFor(() => expect(uncaught).toEqual([thrown]))
    await turnOfLoop()
    expect(calls).toBe(1)
    expect(uncaught).toEqual([thrown])
  })

  it.each([
    ['well', new ReferenceBank()],
    ['ill', everyMethod(() => Promise.reject(new Error('down')))],
  ])('without a callback, the bank being %s', async (_name, bank) => {
    call(new DatabankStore({ bank }), operation)
    await turnOfLoop()
    await turnOfLoop()
    expect(uncaught).toEqual([])
  })
})

describe('an id that is none', () => {
  it.each([undefined, null, '', 7, {}])('%s gets a coded error from every operation', async (sid) => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    const invalid = { code: 'DATABANK_INVALID_ID' }
    await expect(client.get(sid as string)).rejects.toMatchObject(invalid)
    await expect(client.set(sid as string, sessionData())).rejects.toMatchObject(invalid)
    await expect(client.touch(sid as string, sessionData())).rejects.toMatchObject(invalid)
    await expect(client.destroy(sid as string)).rejects.toMatchObject(invalid)
    expect(['read', 'save', 'swap', 'touch', 'delete'].map((method) => bank.calls(method as 'read'))).toEqual([0, 0, 0, 0, 0])
  })
})

describe('a session that cannot be stored', () => {
  const cycle: Record<string, unknown> = sessionData() as never
  cycle['self'] = cycle
  const noDate = { ...sessionData(), cookie: { expires: 'no date' } }

  it.each([
    ['a BigInt', { ...sessionData(), n: 1n }],
    ['a cycle', cycle],
    ['no cookie', { n: 1 }],
    ['a cookie that is none', { cookie: 'x' }],
    ['a date that is none', noDate],
    ['nothing', undefined],
  ])('(%s) fails with a code, and the old record is unharmed', async (_name, data) => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData({ old: true }))
    await expect(client.set('sid', data as never)).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
    expect(dataOf(await client.get('sid'))).toEqual({ old: true })
  })
})

describe('a hung operation', () => {
  it('holds up the next write of its session no longer than its own deadline', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank, { timeout: 100 })
    bank.hold('save')
    const hung = client.set('sid', sessionData({ n: 1 }))
    await bank.held('save')
    const told = client.events()
    await expect(hung).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
    bank.letGo()
    await client.set('sid', sessionData({ n: 2 }))
    expect(dataOf(await client.get('sid'))).toEqual({ n: 2 })
    expect(told).toEqual(['timeout sid'])
  })
})

describe('a session that get gives', () => {
  /** A bank whose answers come at once, and tell when they are looked into. */
  function bankTelling(order: string[]): Bank {
    const read = async (id: string) => ({
      get payload() {
        if (order.at(-1) !== `made ${id}`) order.push(`made ${id}`)
        return JSON.stringify(sessionData())
      },
      expires: null,
    })
    return { read, save: async () => {}, delete: async () => true }
  }

  it('is made right before it is given, so that of many answers that come at once only one is held', async () => {
    const order: string[] = []
    const store = new DatabankStore({ bank: bankTelling(order) })
    await Promise.all(
      ['a', 'b', 'c'].map(
        (id) =>
          new Promise<void>((resolve) => {
            store.get(id, () => {
              order.push(`given ${id}`)
              resolve()
            })
          }),
      ),
    )
    expect(order).toEqual(['made a', 'given a', 'made b', 'given b', 'made c', 'given c'])
  })

  it('is an error if it cannot be made', async () => {
    class Failing extends DatabankStore {
      protected override present(): never {
        throw new Error('not presentable')
      }
    }
    const bank = new ReferenceBank()
    await bank.save('a', { payload: JSON.stringify(sessionData()), expires: null })
    const answers: unknown[][] = []
    const store = new Failing({ bank })
    store.get('a', (...answer) => answers.push(answer))
    store.get('a')
    await vi.waitFor(() => expect(answers).toHaveLength(1))
    await turnOfLoop()
    expect(answers[0]?.[0]).toMatchObject({ code: 'DATABANK_BACKEND_FAILED', message: 'not presentable' })
    expect(uncaught).toEqual([])
  })
})
