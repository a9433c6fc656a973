import assert from 'node:assert/strict'
import { describe, it, vi } from 'vitest'
import { SharedTimeSlice, TimeSlice } from '../src/backend/index.ts'

/** Keeps the event loop for so many milliseconds, as a synchronous call does. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

describe('a shared time slice', () => {
  it('starts as many operations in a turn as fit, the others later, in their order, and blocks no turn for long', async () => {
    const slice = new SharedTimeSlice()
    const order: number[] = []
    let turn = 0
    const turns = new Map<number, number>()
    let isOver = false
    const nextTurn = (): void => {
      turn++
      if (!isOver) setImmediate(nextTurn)
    }
    setImmediate(nextTurn)
    const operation = async (number: number): Promise<void> => {
      const wait = slice.wait()
      if (wait !== undefined) await wait
      block(1)
      order.push(number)
      turns.set(turn, (turns.get(turn) ?? 0) + 1)
    }
    await Promise.all(Array.from({ length: 40 }, (_, number) => operation(number)))
    isOver = true
    assert.deepEqual(
      order,
      Array.from({ length: 40 }, (_, number) => number),
    )
    assert.ok(turns.size >= 8, `${turns.size} turns`)
    assert.ok(Math.max(...turns.values()) <= 6, `${Math.max(...turns.values())} ms in one turn`)
  })

  it('does not let a new operation pass those that wait', async () => {
    const slice = new SharedTimeSlice()
    assert.equal(slice.wait(), undefined, 'nothing has to be waited for')
    block(10)
    assert.equal(slice.isFree(), false)
    const waiting = slice.wait()
    await new Promise((resolve) => process.nextTick(resolve))
    assert.notEqual(slice.wait(), undefined)
    await waiting
  })
})

it('time slices work without a global setImmediate, as in the jsdom environment of Jest', async () => {
  vi.stubGlobal('setImmediate', undefined)
  try {
    await new TimeSlice().yield()
    const slice = new SharedTimeSlice()
    slice.wait()
    block(10)
    await slice.wait()
  } finally {
    vi.unstubAllGlobals()
  }
})
