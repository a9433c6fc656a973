import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Calls } from '../../conformance/src/histories/calls.ts'
import type { Plan, Step } from '../../conformance/src/histories/plan.ts'
import { play } from '../../conformance/src/histories/play.ts'
import { violationIn } from '../../conformance/src/histories/rules.ts'
import { transcript } from '../../conformance/src/histories/transcript.ts'
import { ReferenceBank } from '../../conformance/test/fixtures/reference-bank.ts'
import { DatabankStore } from '../src/store.ts'

const saving = (key: 'a' | 'b' | 'c'): Step => ({ set: [key], remove: [], lifetime: undefined, deed: 'save' })

/** A request's first save fails after it has happened; another request sets a key; the first saves again. Chance seldom goes there. */
const planOf = (theirs: 'a' | 'c'): Plan => ({
  visitors: [null, null],
  requests: [
    { visitor: 0, store: 0, steps: [saving('a'), saving('b')] },
    { visitor: 0, store: 1, steps: [saving(theirs)] },
  ],
  choices: [0, 0, 0, 0, 1, 0, 0, 1, 0, 0],
  faults: [{ call: 0, kind: 'after' }],
})

describe('a history', () => {
  it.each([
    ['added', 'c'],
    ['changed since', 'a'],
  ] as const)('of a first save that failed, and is made again, loses nothing that another request has %s', async (_, theirs) => {
    const calls = new Calls()
    const bank = calls.layer(new ReferenceBank())
    const stores = [0, 1].map(() => new DatabankStore({ bank, cleanupInterval: null }))
    const chronicle = await play(planOf(theirs), 'created', { stores, calls, limit: 5_000 })
    const circumstances = { mayFail: true, mayHappenLate: false, clocks: 2, rounding: 0 }
    const violation = violationIn(chronicle.operations, chronicle.failures, circumstances)
    assert.equal(violation, undefined, violation && transcript(chronicle, violation))
    const [found] = chronicle.operations.filter(({ kind }) => kind === 'get').slice(-1)
    const [written] = chronicle.operations.filter(({ kind }) => kind === 'update')
    assert.ok(written?.values?.[theirs] !== undefined, 'the other request has written nothing')
    assert.equal(found?.found?.values[theirs], written.values[theirs])
  })
})
