import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { endOfTime, isoOf } from '../src/expiry.ts'

describe('isoOf', () => {
  const same = (time: number) => assert.equal(isoOf(time), new Date(time).toISOString())

  it('writes what toISOString does, for any moment', () => {
    fc.assert(fc.property(fc.integer({ min: -endOfTime, max: endOfTime }), same), { numRuns: 2_000 })
  })

  it('writes what toISOString does when moments lie close together, and around the turn of a minute', () => {
    for (const start of [0, -60_000, 1_800_000_000_000, 951_782_340_000, endOfTime - 120_000]) {
      for (let step = 0; step < 120_000; step += 7) same(start + step)
      for (const off of [-1, 0, 1]) for (const turn of [0, 1, 2]) same(Math.min(start + turn * 60_000 + off, endOfTime))
    }
  })
})
