import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Batches, type BatchLimits } from '../src/backend/batches.ts'
import { TimeSlice } from '../src/backend/time-slice.ts'
import { nextTurn } from './helpers.ts'

/** Batches whose ends the test decides. */
function makeBatches(limits?: BatchLimits<string>) {
  const sent: string[][] = []
  const ends: ((error?: Error) => void)[] = []
  const send = (items: readonly string[]): Promise<void> => {
    sent.push([...items])
    return new Promise((resolve, reject) => ends.push((error) => (error === undefined ? resolve() : reject(error))))
  }
  return { batches: new Batches<string>(send, limits), sent, ends }
}

const items = (count: number, name = 'i') => Array.from({ length: count }, (_, index) => `${name}${index}`)

describe('Batches', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('send what comes in one callback as one batch, at its end', async () => {
    const { batches, sent } = makeBatches()
    for (const item of ['a', 'b', 'c']) batches.add(item)
    expect(sent).toEqual([])
    await nextTurn()
    expect(sent).toEqual([['a', 'b', 'c']])
  })

  it('hold what comes while a batch is under way until it has ended, whether it succeeds or fails', async () => {
    const { batches, sent, ends } = makeBatches()
    batches.add('a')
    await nextTurn()
    for (const error of [undefined, new Error('down')]) {
      for (const item of ['b', 'c']) batches.add(item)
      await nextTurn()
      const before = sent.length
      ends.shift()!(error)
      await nextTurn()
      expect(sent.slice(before)).toEqual([['b', 'c']])
    }
  })

  it('send sixteen while others are under way, up to four batches at once', async () => {
    const { batches, sent } = makeBatches()
    batches.add('first')
    await nextTurn()
    for (const item of items(15)) batches.add(item)
    await nextTurn()
    expect(sent).toHaveLength(1)
    for (const item of items(65)) {
      batches.add(item)
      await nextTurn()
    }
    expect(sent.map((batch) => batch.length)).toEqual([1, 16, 16, 16])
  })

  it('wait four milliseconds for a batch that hangs, also for an item that came while the server seemed far away', async () => {
    const { batches, sent, ends } = makeBatches()
    batches.add('slow')
    await nextTurn()
    vi.advanceTimersByTime(3)
    ends[0]!()
    await nextTurn()
    batches.add('hangs')
    await nextTurn()
    batches.add('fast')
    await new Promise((resolve) => process.nextTick(resolve))
    await new Promise((resolve) => process.nextTick(resolve))
    expect(sent).toEqual([['slow'], ['hangs'], ['fast']])
    ends[2]!()
    batches.add('waits')
    await nextTurn()
    vi.advanceTimersByTime(4)
    await nextTurn()
    expect(sent).toEqual([['slow'], ['hangs'], ['fast'], ['waits']])
  })

  it('wait four milliseconds for a batch that does not end, and no longer', async () => {
    const { batches, sent, ends } = makeBatches()
    batches.add('a')
    await nextTurn()
    batches.add('b')
    await vi.advanceTimersByTimeAsync(3)
    await nextTurn()
    expect(sent).toEqual([['a']])
    await vi.advanceTimersByTimeAsync(1)
    await nextTurn()
    expect(sent).toEqual([['a'], ['b']])
    // The end of the first, which counts no more, does not let others out beside the second.
    ends[0]!()
    batches.add('c')
    await nextTurn()
    expect(sent).toEqual([['a'], ['b']])
    ends[1]!()
    await nextTurn()
    expect(sent).toEqual([['a'], ['b'], ['c']])
  })

  describe('to a server that is far away', () => {
    /** Batches of which the first have taken these milliseconds. */
    async function afterItems(...milliseconds: number[]) {
      const made = makeBatches()
      for (const time of milliseconds) {
        made.batches.add('first')
        await nextTurn()
        vi.advanceTimersByTime(time)
        made.ends.shift()!()
        await nextTurn()
      }
      made.sent.length = 0
      return made
    }
    async function addInTurns({ batches }: ReturnType<typeof makeBatches>, count: number) {
      for (const item of items(count)) {
        batches.add(item)
        await nextTurn()
      }
    }

    it('do not wait for each other if no batch was faster than 0.8 ms, as long as there are fewer than four', async () => {
      const far = await afterItems(20, 1, 1.2)
      await addInTurns(far, 6)
      expect(far.sent).toEqual([['i0'], ['i1'], ['i2'], ['i3']])
      vi.advanceTimersByTime(1)
      far.ends[0]!()
      await nextTurn()
      expect(far.sent[4]).toEqual(['i4', 'i5'])
    })

    it.each([
      ['nothing was answered yet', []],
      ['one was faster', [20, 0.5, 20]],
    ])('wait if %s', async (_, times) => {
      const near = await afterItems(...times)
      await addInTurns(near, 6)
      expect(near.sent).toEqual([['i0']])
    })
  })

  it('weigh at most so much; a heavier item is sent alone', async () => {
    const light = makeBatches({ weightOf: (item) => item.length, weight: 5 })
    for (const item of ['aa', 'bb', 'cc', 'dddddddd', 'e', 'f']) light.batches.add(item)
    light.batches.flush()
    expect(light.sent).toEqual([['aa', 'bb'], ['cc'], ['dddddddd'], ['e', 'f']])
  })

  it('hold 128 items, and are four at once, or as many as needed on flush', async () => {
    const { batches, sent } = makeBatches()
    for (const item of items(600)) batches.add(item)
    await nextTurn()
    expect(sent.map((batch) => batch.length)).toEqual([128, 128, 128, 128])
    batches.flush()
    expect(sent.map((batch) => batch.length)).toEqual([128, 128, 128, 128, 88])
  })

  it('tell what waits, and send it at once on flush', async () => {
    const { batches, sent } = makeBatches()
    batches.add('a')
    expect([batches.isWaiting((item) => item === 'a'), batches.isWaiting((item) => item === 'b')]).toEqual([true, false])
    batches.flush()
    expect([sent, batches.isWaiting(() => true)]).toEqual([[['a']], false])
    batches.flush()
    await nextTurn()
    expect(sent).toEqual([['a']])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('wait no longer without a global setImmediate, as in the jsdom environment of Jest', async () => {
    const { batches, sent } = makeBatches()
    batches.add('a')
    await nextTurn()
    batches.add('b')
    vi.stubGlobal('setImmediate', undefined)
    try {
      vi.advanceTimersByTime(4)
    } finally {
      vi.unstubAllGlobals()
    }
    await nextTurn()
    expect(sent).toEqual([['a'], ['b']])
  })
})

describe('TimeSlice', () => {
  it('is used up after some milliseconds, and new after a turn of the event loop', async () => {
    let now = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
    try {
      const slice = new TimeSlice()
      expect(slice.isUsedUp()).toBe(false)
      now = 6
      expect(slice.isUsedUp()).toBe(true)
      let hasTurned = false
      setImmediate(() => {
        hasTurned = true
      })
      await slice.yield()
      expect([hasTurned, slice.isUsedUp()]).toEqual([true, false])
    } finally {
      clock.mockRestore()
    }
  })
})
