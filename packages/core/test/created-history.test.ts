import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Calls } from '../../conformance/src/histories/calls.ts'
import type { Operation } from '../../conformance/src/histories/chronicle.ts'
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

/** A request's first save has happened and is not answered; another request moves the death; the first saves with the date that it has. */
const prolonged: Plan = {
  visitors: [null, null],
  requests: [
    { visitor: 0, store: 0, steps: [saving('a'), { set: [], remove: [], lifetime: 'kept', deed: 'save' }] },
    { visitor: 0, store: 1, steps: [{ set: [], remove: [], lifetime: undefined, deed: 'save' }] },
  ],
  choices: [0, 0, 0, 1, 1, 1, 1, 1, 1],
  faults: [],
}

/** Lets it happen, in which nothing may be wrong; answers what the other request wrote, and what was found at last. */
async function played(plan: Plan): Promise<{ written: Operation; found: Operation['found'] }> {
  const calls = new Calls()
  const bank = calls.layer(new ReferenceBank())
  const stores = [0, 1].map(() => new DatabankStore({ bank, cleanupInterval: null }))
  const chronicle = await play(plan, 'created', { stores, calls, limit: 5_000 })
  const circumstances = { mayFail: plan.faults.length > 0, mayHappenLate: false, clocks: 2, rounding: 0 }
  const violation = violationIn(chronicle.operations, chronicle.failures, circumstances)
  assert.equal(violation, undefined, violation && transcript(chronicle, violation))
  const written = chronicle.operations.find(({ kind, request }) => kind === 'update' && request === 1)
  assert.ok(written !== undefined, 'the other request has written nothing')
  return { written, found: chronicle.operations.findLast(({ kind }) => kind === 'get')?.found }
}

describe('a history', () => {
  it.each([
    ['added', 'c'],
    ['changed since', 'a'],
  ] as const)('of a first save that failed, and is made again, loses nothing that another request has %s', async (_, theirs) => {
    const { written, found } = await played(planOf(theirs))
    assert.ok(written.values?.[theirs] !== undefined)
    assert.equal(found?.values[theirs], written.values[theirs])
  })

  it('of a first save under way takes back nothing of another request’s touch', async () => {
    const { written, found } = await played(prolonged)
    assert.equal(found?.expires, written.expires)
  })
})
