import { MemoryBank } from '@connect-databank/memory'
import session from 'express-session'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Instrumentation, instrument } from '../src/index.ts'
import { Sdk, sessionData, storeOn } from './helpers.ts'

const NAME = 'session.store.session.count'

let sdk: Sdk
let instrumentation: Instrumentation | undefined

beforeEach(() => {
  sdk = new Sdk()
})
afterEach(async () => {
  vi.useRealTimers()
  instrumentation?.close()
  await sdk.close()
})

/** A store that answers when the test says so. */
function slowStore() {
  const answers: ((count: number) => void)[] = []
  const length = vi.fn(() => new Promise<number>((resolve) => answers.push(resolve)))
  return { length, answer: (count: number) => answers.shift()?.(count) }
}

/** The values after as much time as a collection takes. Timers are fake. */
async function valuesAfterWait(): Promise<number[]> {
  let isDone = false
  const collecting = valuesOf().finally(() => {
    isDone = true
  })
  while (!isDone) await vi.advanceTimersByTimeAsync(1_000)
  return collecting
}

const valuesOf = async (): Promise<number[]> => (await sdk.points(NAME)).map(({ value }) => value)

describe(NAME, () => {
  it('is the number of live sessions', async () => {
    const store = storeOn(new MemoryBank())
    instrumentation = instrument({ ...sdk, store })
    for (const sid of ['a', 'b', 'c']) await store.set(sid, sessionData())
    await store.destroy('b')
    expect(await valuesOf()).toEqual([2])
    expect((await sdk.metric(NAME))?.descriptor).toMatchObject({ unit: '{session}', type: 'OBSERVABLE_GAUGE' })
  })

  it('is that of a store which wants a callback', async () => {
    const store = new session.MemoryStore()
    instrumentation = instrument({ ...sdk, store })
    for (const sid of ['a', 'b']) store.set(sid, sessionData())
    expect(await valuesOf()).toEqual([2])
  })

  it('is that of a store which returns a promise of nothing and calls the callback', async () => {
    const length = async (callback: (error: unknown, count: number) => void) => void setImmediate(callback, null, 6)
    instrumentation = instrument({ ...sdk, store: { length } })
    expect(await valuesOf()).toEqual([6])
  })

  it('asks the store once in an interval', async () => {
    const store = { length: vi.fn(async () => 5) }
    instrumentation = instrument({ ...sdk, store, countInterval: 3_600_000 })
    expect([await valuesOf(), await valuesOf()]).toEqual([[5], [5]])
    expect(store.length).toHaveBeenCalledTimes(1)
  })

  it('asks again when the interval is over', async () => {
    let count = 0
    instrumentation = instrument({ ...sdk, store: { length: async () => ++count }, countInterval: 0 })
    expect([await valuesOf(), await valuesOf()]).toEqual([[1], [2]])
  })

  it('does not hold up a collection, and asks no second question before the answer to the first', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const store = slowStore()
    instrumentation = instrument({ ...sdk, store, countInterval: 0 })
    expect([await valuesAfterWait(), await valuesAfterWait()]).toEqual([[], []])
    expect(store.length).toHaveBeenCalledTimes(1)
  })

  it('reports a late answer at the next collection', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const store = slowStore()
    instrumentation = instrument({ ...sdk, store, countInterval: 3_600_000 })
    expect(await valuesAfterWait()).toEqual([])
    store.answer(7)
    expect(await valuesAfterWait()).toEqual([7])
    expect(store.length).toHaveBeenCalledTimes(1)
  })

  it('keeps its last value while the store cannot count', async () => {
    const length = vi.fn(async () => 3)
    instrumentation = instrument({ ...sdk, store: { length }, countInterval: 0 })
    expect(await valuesOf()).toEqual([3])
    length.mockRejectedValueOnce(new Error('down'))
    expect(await valuesOf()).toEqual([3])
    length.mockResolvedValueOnce(4)
    expect(await valuesOf()).toEqual([4])
  })

  it('keeps its last value while a store that wants a callback cannot count', async () => {
    const answers: (readonly [error: unknown, count?: number])[] = [[null, 3], [new Error('down')], [null, 4]]
    const length = (callback: (error: unknown, count?: number) => void) => void setImmediate(callback, ...answers.shift()!)
    instrumentation = instrument({ ...sdk, store: { length }, countInterval: 0 })
    expect([await valuesOf(), await valuesOf(), await valuesOf()]).toEqual([[3], [3], [4]])
  })

  it('has no value where the store could never count', async () => {
    const length = vi.fn(() => {
      throw new Error('down')
    })
    instrumentation = instrument({ ...sdk, store: { length }, countInterval: 0 })
    expect(await valuesOf()).toEqual([])
    expect(length).toHaveBeenCalledTimes(1)
  })

  it('is not there without a store', async () => {
    instrumentation = instrument(sdk)
    expect(await sdk.metric(NAME)).toBeUndefined()
  })
})
