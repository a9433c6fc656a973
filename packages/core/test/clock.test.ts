import { describe, expect, it, vi } from 'vitest'
import { warnOfClockDifference } from '../src/backend/clock.ts'

const NOON = Date.UTC(2026, 0, 1, 12)

/** The warnings for a database whose clock says `theirs` between the question and the answer. */
function warningsOf(theirs: number, sentAt = NOON, receivedAt = NOON + 20) {
  const warn = vi.fn()
  warnOfClockDifference({ timeout: 5_000, warn }, 'redis://host', theirs, sentAt, receivedAt)
  return warn.mock.calls
}

describe('the clock of a database', () => {
  it.each([
    ['that is the same', NOON],
    ['within the round trip', NOON + 10],
    ['one second ahead of the answer', NOON + 1_020],
    ['one second behind the question', NOON - 1_000],
  ])('%s gives no warning', (_name, theirs) => {
    expect(warningsOf(theirs)).toEqual([])
  })

  it('gives no warning for a long round trip', () => {
    expect(warningsOf(NOON + 30_000, NOON, NOON + 60_000)).toEqual([])
  })

  it.each([
    ['ahead of', 90_020],
    ['behind', -90_000],
  ])('%s this machine’s by more than a second gives one, with both times', (direction, difference) => {
    const [call, ...others] = warningsOf(NOON + difference)
    expect(others).toEqual([])
    expect(call?.[0]).toBe(
      `the clock of redis://host is 90 s ${direction} this machine's: sessions may expire too early or too late`,
    )
    expect(call?.[1]).toEqual({
      database: new Date(NOON + difference).toISOString(),
      here: new Date(NOON + 20).toISOString(),
    })
  })

  it('just beyond the second gives one', () => {
    expect(warningsOf(NOON + 1_021)).toHaveLength(1)
    expect(warningsOf(NOON - 1_001)).toHaveLength(1)
  })
})
