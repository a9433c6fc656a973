// Where timers are numbers, as in browsers and in Jest's environment jsdom.
import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Batches } from '../src/backend/batches.ts'
import { Lifecycle } from '../src/backend/lifecycle.ts'
import { setBackgroundInterval, setBackgroundTimeout } from '../src/backend/timers.ts'
import { coded } from '../src/errors.ts'
import { coalesce } from '../src/layers/coalesce.ts'
import { DatabankStore } from '../src/store.ts'
import { Client, gatedBank, ReferenceBank, sessionData, withScan } from './helpers.ts'

describe('background timers', () => {
  it('do not keep the process alive', () => {
    const [timeout, interval] = [setBackgroundTimeout(() => {}, 60_000), setBackgroundInterval(() => {}, 60_000)]
    expect([timeout.hasRef(), interval.hasRef()]).toEqual([false, false])
    clearTimeout(timeout)
    clearInterval(interval)
  })

  it('run, once or again and again', async () => {
    vi.useFakeTimers()
    const [once, often] = [vi.fn(), vi.fn()]
    setBackgroundTimeout(once, 10)
    const interval = setBackgroundInterval(often, 10)
    await vi.advanceTimersByTimeAsync(35)
    clearInterval(interval)
    vi.useRealTimers()
    expect([once.mock.calls.length, often.mock.calls.length]).toEqual([1, 3])
  })
})

it('background timers run outside the asynchronous context of the request that starts them', async () => {
  const requests = new AsyncLocalStorage<string>()
  const seen = requests.run('request', () => {
    return new Promise((resolve) => setBackgroundTimeout(() => resolve(requests.getStore()), 1))
  })
  expect(await seen).toBeUndefined()
})

describe('where timers are numbers', () => {
  const timers = new Map<number, NodeJS.Timeout>()
  let last = 0
  const numbered =
    <Args extends [run: () => void, delay: number]>(make: (...args: Args) => NodeJS.Timeout) =>
    (...args: Args) => {
      timers.set(++last, make(...args))
      return last
    }
  const clear = (stop: (timer: NodeJS.Timeout | undefined) => void) => (id: number) => {
    stop(timers.get(id))
    timers.delete(id)
  }

  beforeEach(() => {
    const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis
    vi.stubGlobal('setTimeout', numbered(setTimeout))
    vi.stubGlobal('setInterval', numbered(setInterval))
    vi.stubGlobal('clearTimeout', clear(clearTimeout))
    vi.stubGlobal('clearInterval', clear(clearInterval))
  })
  afterEach(() => void vi.unstubAllGlobals())

  it('a store can be made, used and closed', async () => {
    const store = new DatabankStore({ bank: withScan(new ReferenceBank()), cleanupInterval: 60_000 })
    await store.set('sid', sessionData({ n: 1 }))
    await store.touch('sid', sessionData())
    expect(await store.get('sid')).toMatchObject({ n: 1 })
    await store.cleanup()
    await store.destroy('sid')
    await store.close()
  })

  it('an operation that hangs ends with its deadline', async () => {
    const bank = gatedBank(new ReferenceBank())
    bank.hold('read')
    await expect(new Client(bank, { timeout: 20 }).get('sid')).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
    bank.releaseAll()
  })

  it('banks can batch, coalesce and close', async () => {
    const bank = coalesce(new ReferenceBank())
    await bank.save('a', { payload: 'x', expires: null })
    const results = await Promise.all(Array.from({ length: 50 }, () => bank.read('a')))
    expect(results).toHaveLength(50)
    const sent: (readonly number[])[] = []
    const batches = new Batches<number>(async (items) => void sent.push(items))
    batches.add(1)
    batches.flush()
    expect(sent).toEqual([[1]])
    const lifecycle = new Lifecycle({ name: 'Bank', open: async () => 'handle', close: async () => {}, errorOf: coded })
    await lifecycle.open()
    await lifecycle.close()
  })
})
