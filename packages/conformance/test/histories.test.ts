import assert from 'node:assert/strict'
import { DatabankStore, type Layer } from 'connect-databank'
import { describe, it } from 'vitest'
import type { Operation } from '../src/histories/chronicle.ts'
import { violationIn } from '../src/histories/rules.ts'
import { historyConformance, runHistories } from '../src/index.ts'
import { type BrokenStore, brokenStores } from './fixtures/history-faults.ts'
import { MergingStore } from './fixtures/merging-store.ts'
import { type Place, ReferenceBank } from './fixtures/reference-bank.ts'

const RUNS = 1_000
/**
 * The most that look for a fault; they end with the first that has found it. Who dies when is a matter of the machine's speed, whatever
 * the seed: so a fault that has to do with death is found by chance, once in 500 or so.
 */
const MOST_RUNS = 20_000
const SEED = 20_120_401

function opening(make: BrokenStore['make']) {
  return async (layer: Layer) => {
    const place: Place = new Map()
    return { store: make(place, layer), another: async () => make(place, layer), close: async () => {} }
  }
}

/** The failure that the histories find, with calls in order and, if that can't be, as they come. */
async function failureOf({ make, under }: Pick<BrokenStore, 'make' | 'under'>, runs: number) {
  const options = { open: opening(make), runs, seed: SEED, rounding: 0, limit: 300, shrinking: 3_000 }
  const report = await runHistories({ ...options, calls: 'ordered', ...(under && { faults: under }) })
  return report.skipped === undefined ? report : runHistories({ ...options, calls: 'as they come' })
}

historyConformance(
  { describe, it },
  {
    open: opening((place, layer) => new DatabankStore({ bank: layer(new ReferenceBank(place)) })),
    runs: RUNS,
    seed: SEED,
    rounding: 0,
  },
)

describe('histories find a store that', () => {
  for (const broken of [
    ...brokenStores,
    {
      fault: 'takes what is stored after a merge for what its request knows',
      make: (place: Place, layer: Layer) => new MergingStore(place, layer, true),
      found: /a change is lost/,
    },
  ]) {
    it(broken.fault, async () => {
      const { failure } = await failureOf(broken, MOST_RUNS)
      assert.ok(failure, `not found in ${MOST_RUNS} histories`)
      assert.match(failure.error.message, broken.found)
    })
  }
})

/** One whose fault no clock has a part in. */
const clockless = brokenStores.find(({ fault }) => fault === 'says that it has deleted, and has not')!

describe('histories', () => {
  it('find nothing in the store that merges and knows what it has', async () => {
    const { failure } = await failureOf({ make: (place, layer) => new MergingStore(place, layer, false) }, RUNS)
    assert.equal(failure?.error.message, undefined)
  })

  it('find the same again from the seed and the path', async () => {
    const options = { open: opening(clockless.make), calls: 'ordered' as const, shrinking: 25_000 }
    const first = await runHistories({ ...options, runs: RUNS, seed: SEED })
    // No smaller: how small the first became is a matter of the machine's speed.
    const second = await runHistories({ ...options, shrinking: 0, seed: first.seed, path: first.failure!.path })
    assert.deepEqual(second.failure?.plan, first.failure!.plan)
    const withoutNames = (message: string) => message.replaceAll(/h\d+\./g, 'h.')
    assert.equal(withoutNames(second.failure!.error.message), withoutNames(first.failure!.error.message))
  })

  it('make what they find small', async () => {
    const options = { open: opening(clockless.make), calls: 'ordered' as const, shrinking: 25_000 }
    const { failure } = await runHistories({ ...options, runs: RUNS, seed: SEED })
    const { requests, choices } = failure!.plan
    assert.ok(requests.length <= 3, `${requests.length} requests`)
    assert.ok(choices.length <= 12, `${choices.length} choices`)
  })

  it('hold calls only of stores that let them', async () => {
    const report = await runHistories({ open: opening(brokenStores[1]!.make), calls: 'ordered' })
    assert.match(report.skipped!, /cannot be ordered/)
  })
})

describe('a session that is missing', () => {
  /** Operations one after the other. */
  const oneByOne = (operations: readonly Partial<Operation>[]): Operation[] =>
    operations.map((operation, at) => {
      const ofWrite = { values: {}, expires: Date.now() + 3_600_000 }
      const begun = { request: 0, store: 0, sid: 'sid', begin: 2 * at, end: 2 * at + 1, beganAt: Date.now(), endedAt: Date.now() }
      return { outcome: 'done', answers: 1, ...begun, ...ofWrite, ...operation } as Operation
    })
  const wordsOf = (...operations: readonly Partial<Operation>[]) =>
    violationIn(oneByOne([...operations, { kind: 'get', found: null }]), [], {
      mayFail: true,
      mayHappenLate: false,
      clocks: 2,
      rounding: 0,
    })?.words
  const failed = { outcome: 'failed', error: new Error('may have happened') } as const

  it('may have been created by an attempt that failed, and destroyed before it was created again', () => {
    const again = { kind: 'create again' } as const
    assert.equal(wordsOf({ kind: 'create', ...failed }, { kind: 'destroy' }, again), undefined)
    assert.match(wordsOf({ kind: 'create', ...failed }, again) ?? '', /is missing that was stored/)
    assert.match(wordsOf({ kind: 'destroy' }, { kind: 'create' }) ?? '', /is missing that was stored/)
  })
})
