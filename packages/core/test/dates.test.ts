import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { isoOf, timeOf } from '../src/cookie.ts'

/** The last millisecond that a Date can hold. */
const END_OF_TIME = 8.64e15

describe('isoOf', () => {
  const assertSame = (time: number) => assert.equal(isoOf(time), new Date(time).toISOString())

  it('writes what toISOString does, for any date', () => {
    fc.assert(fc.property(fc.integer({ min: -END_OF_TIME, max: END_OF_TIME }), assertSame), { numRuns: 2_000 })
  })

  it('writes what toISOString does for dates that are close together, and around the end of a minute', () => {
    for (const start of [0, -60_000, 1_800_000_000_000, 951_782_340_000, END_OF_TIME - 120_000]) {
      for (let step = 0; step < 120_000; step += 7) assertSame(start + step)
      for (const offset of [-1, 0, 1]) {
        for (const minute of [0, 1, 2]) assertSame(Math.min(start + minute * 60_000 + offset, END_OF_TIME))
      }
    }
  })
})

it('isoOf writes the last date for a time beyond it, and is right afterwards', () => {
  assert.equal(isoOf(9e15), new Date(END_OF_TIME).toISOString())
  assert.equal(isoOf(9e15), new Date(END_OF_TIME).toISOString())
  assert.equal(isoOf(5), '1970-01-01T00:00:00.005Z')
})

describe('timeOf', () => {
  it.each([
    [undefined, null],
    [null, null],
    [false, null],
    [0, null],
    ['', null],
    [5, 5],
    [new Date(5), 5],
    ['1970-01-01T00:00:00.005Z', 5],
    [END_OF_TIME, END_OF_TIME],
    [END_OF_TIME + 1, Number.NaN],
    ['soon', Number.NaN],
    [new Date('soon'), Number.NaN],
  ])('of %o is %s', (expires, expected) => {
    assert.equal(timeOf(expires), expected)
  })
})
