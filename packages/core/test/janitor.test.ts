import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Janitor } from '../src/janitor.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('Janitor', () => {
  it('begins at a random moment of the first interval, and goes on an interval after each end', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const runs: number[] = []
    const start = Date.now()
    const janitor = new Janitor(1_000, async () => {
      runs.push(Date.now() - start)
      await new Promise((resolve) => setTimeout(resolve, 3_000))
    })
    await vi.advanceTimersByTimeAsync(9_000)
    janitor.stop()
    expect(runs).toEqual([500, 4_500, 8_500])
    await vi.advanceTimersByTimeAsync(100_000)
    expect(runs).toHaveLength(3)
  })

  it('goes on after a failure', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    let runs = 0
    const janitor = new Janitor(10, async () => {
      runs++
      throw new Error('down')
    })
    await vi.advanceTimersByTimeAsync(25)
    janitor.stop()
    expect(runs).toBe(3)
  })

  it('waits longer than a timer can', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    let runs = 0
    const interval = 2 ** 32
    const janitor = new Janitor(interval, async () => void runs++)
    await vi.advanceTimersByTimeAsync(interval - 1)
    expect(runs).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(runs).toBe(1)
    janitor.stop()
  })
})
