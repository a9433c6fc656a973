import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { growth, loadDemo } from '../../../scripts/load/run.js'

/** `npm run load` takes longer, and runs a million operations. */
const SECONDS = Number(process.env['LOAD_SECONDS'] ?? 3)
const OPERATIONS = Number(process.env['LOAD_OPERATIONS'] ?? 150_000)
const MOST_GROWTH = 5e6

describe('under load', () => {
  it('the demo answers 1,000 connections, holds its memory, and ends by itself', async () => {
    const { before, after, fewest, wrong, exitCode } = await loadDemo({ seconds: SECONDS, connections: 1_000 })
    assert.deepEqual(wrong, [])
    assert.ok(fewest >= 3, `somebody got ${fewest} answers, the login among them`)
    const grown = after.heap - before.heap
    assert.ok(grown < MOST_GROWTH, `the heap grew by ${grown} bytes`)
    assert.ok(after.timers <= before.timers + 2, `${before.timers} timers became ${after.timers}`)
    assert.equal(after.listeners, before.listeners, 'listeners')
    assert.equal(exitCode, 0)
  }, 120_000)

  it('a store needs no more memory after many operations', async () => {
    const { operations, grown } = await growth(OPERATIONS)
    assert.equal(operations, OPERATIONS)
    assert.ok(grown < MOST_GROWTH, `the heap grew by ${grown} bytes`)
  }, 180_000)
})
