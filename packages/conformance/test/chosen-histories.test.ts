import assert from 'node:assert/strict'
import { DatabankStore } from 'connect-databank'
import { describe, it } from 'vitest'
import { ownerInHistories } from '../src/histories/context.ts'
import { runHistory } from '../src/histories/execution.ts'
import type { History, Operation } from '../src/histories/history.ts'
import type { Plan, Step } from '../src/histories/plan.ts'
import { violationIn } from '../src/histories/rules.ts'
import { HoldingLayer } from '../src/histories/scheduler.ts'
import { transcript } from '../src/histories/transcript.ts'
import { ReferenceBank } from '../src/index.ts'

const step = (action: Step['action'], more: Partial<Step> = {}): Step => ({
  set: [],
  remove: [],
  age: undefined,
  action,
  ...more,
})
const saving = (key: 'a' | 'b' | 'c'): Step => step('save', { set: [key] })

/** A request's first save fails after it has happened; another request sets a key; the first saves again. */
const repeatedSave = (theirs: 'a' | 'c'): Plan => ({
  visitors: [null, null],
  requests: [
    { visitor: 0, store: 0, steps: [saving('a'), saving('b')] },
    { visitor: 0, store: 1, steps: [saving(theirs)] },
  ],
  choices: [0, 0, 0, 0, 1, 0, 0, 1, 0, 0],
  faults: [{ call: 0, kind: 'after' }],
})

/** A request's first save has happened and not returned; another request extends the session; the first saves again. */
const extended: Plan = {
  visitors: [null, null],
  requests: [
    { visitor: 0, store: 0, steps: [saving('a'), step('save', { age: 'kept' })] },
    { visitor: 0, store: 1, steps: [step('save')] },
  ],
  choices: [0, 0, 0, 1, 1, 1, 1, 1, 1],
  faults: [],
}

/** Runs the history, in which no rule may be broken. Returns what the other request wrote, and what was found at the end. */
async function run(plan: Plan): Promise<{ written: Operation; found: Operation['found'] }> {
  const holding = new HoldingLayer()
  const bank = holding.layer(new ReferenceBank())
  const stores = [0, 1].map(() => new DatabankStore({ bank, cleanupInterval: null, owner: ownerInHistories }))
  const history = await runHistory(plan, 'chosen', { stores, holding, limit: 5_000 })
  assertNoViolation(history, plan)
  const written = history.operations.find(({ kind, request }) => kind === 'update' && request === 1)
  assert.ok(written !== undefined, 'the other request has written nothing')
  return { written, found: history.operations.findLast(({ kind }) => kind === 'get')?.found }
}

function assertNoViolation(history: History, { faults }: Plan): void {
  const circumstances = { mayFail: faults.length > 0, mayHappenLate: false, clocks: 2, rounding: 0 }
  const violation = violationIn(history.operations, history.failures, circumstances)
  assert.equal(violation, undefined, violation && transcript(history, violation))
}

describe('a first save', () => {
  it.each([
    ['added', 'c'],
    ['changed', 'a'],
  ] as const)('that failed and is repeated keeps what another request has %s meanwhile', async (_, theirs) => {
    const { written, found } = await run(repeatedSave(theirs))
    assert.ok(written.values?.[theirs] !== undefined)
    assert.equal(found?.values[theirs], written.values[theirs])
  })

  it('that is pending keeps the later expiry of another request', async () => {
    const { written, found } = await run(extended)
    assert.equal(found?.expires, written.expires)
  })
})
