import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { compareClocks } from '../src/backend/clock.ts'

const NOON = Date.UTC(2026, 0, 1, 12)

/** The warnings for a database whose clock says `theirs` between the question and the answer. */
async function warningsOf(theirs: number, sentAt = NOON, receivedAt = NOON + 20) {
  const warn = vi.fn()
  vi.setSystemTime(sentAt)
  await compareClocks({ timeout: 5_000, warn }, 'redis://host', async () => {
    vi.setSystemTime(receivedAt)
    return theirs
  })
  return warn.mock.calls
}

describe('the clock of a database', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it.each([
    ['that is the same', NOON],
    ['within the round trip', NOON + 10],
    ['one second ahead of the answer', NOON + 1_020],
    ['one second behind the question', NOON - 1_000],
    ['that is not told', Number.NaN],
  ])('%s gives no warning', async (_name, theirs) => {
    expect(await warningsOf(theirs)).toEqual([])
  })

  it('gives no warning for a long round trip', async () => {
    expect(await warningsOf(NOON + 30_000, NOON, NOON + 60_000)).toEqual([])
  })

  it.each([
    ['ahead of', 90_020],
    ['behind', -90_000],
  ])('%s this machine’s by more than a second gives one, with both times', async (direction, difference) => {
    const [call, ...others] = await warningsOf(NOON + difference)
    expect(others).toEqual([])
    expect(call?.[0]).toBe(
      `the clock of redis://host is 90 s ${direction} this machine's: sessions may expire too early or too late`,
    )
    expect(call?.[1]).toEqual({
      database: new Date(NOON + difference).toISOString(),
      here: new Date(NOON + 20).toISOString(),
    })
  })

  it('just beyond the second gives one', async () => {
    expect(await warningsOf(NOON + 1_021)).toHaveLength(1)
    expect(await warningsOf(NOON - 1_001)).toHaveLength(1)
  })
})
