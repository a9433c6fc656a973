import assert from 'node:assert/strict'
import { DatabankStore, type Layer } from 'connect-databank'
import { describe, it, vi } from 'vitest'
import type { Operation } from '../src/histories/chronicle.ts'
import { violationIn } from '../src/histories/rules.ts'
import { historyConformance, ReferenceBank, runHistories, type Table } from '../src/index.ts'
import { type BrokenStore, brokenStores } from './fixtures/history-faults.ts'
import { MergingStore } from './fixtures/merging-store.ts'

const RUNS = 1_000
/**
 * The most that look for a fault; they end with the first that has found it. Who dies when is a matter of the machine's speed, whatever
 * the seed: so a fault that has to do with death is found by chance, once in 500 or so.
 */
const MOST_RUNS = 20_000
const SEED = 20_120_401

function opening(make: BrokenStore['make']) {
  return async (layer: Layer) => {
    const table: Table = new Map()
    return { store: make(table, layer), another: async () => make(table, layer), close: async () => {} }
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
    open: opening((table, layer) => new DatabankStore({ bank: layer(new ReferenceBank(table)) })),
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
      make: (table: Table, layer: Layer) => new MergingStore(table, layer, true),
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
    const { failure } = await failureOf({ make: (table, layer) => new MergingStore(table, layer, false) }, RUNS)
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

  it('have as much more time as HISTORY_RUNS asks for more of them', () => {
    const times: unknown[] = []
    const runner = { describe: (_: string, body: () => void) => body(), it: (...args: unknown[]) => times.push(args[2]) }
    try {
      for (const runs of ['40', '2000']) {
        vi.stubEnv('HISTORY_RUNS', runs)
        historyConformance(runner, { open: opening(clockless.make), runs: 400, time: 1_000 })
      }
    } finally {
      vi.unstubAllEnvs()
    }
    assert.deepEqual(times, [1_000, 1_000, 1_000, 5_000, 5_000, 5_000])
  })

  it('hold calls only of stores that let them', async () => {
    const report = await runHistories({ open: opening(brokenStores[1]!.make), calls: 'ordered' })
    assert.match(report.skipped!, /cannot be ordered/)
  })
})

/** When a session dies that lives for an hour. */
const late = Date.now() + 3_600_000

/** What is wrong with these operations, one after the other where they say nothing else. */
function wordsOf(...operations: readonly Partial<Operation>[]): string | undefined {
  const oneByOne = operations.map((operation, at) => {
    const ofWrite = { values: {}, expires: late }
    const begun = { request: 0, store: 0, sid: 'sid', begin: 2 * at, end: 2 * at + 1, beganAt: Date.now(), endedAt: Date.now() }
    return { outcome: 'done', answers: 1, ...begun, ...ofWrite, ...operation } as Operation
  })
  return violationIn(oneByOne, [], { mayFail: true, mayHappenLate: false, clocks: 2, rounding: 0 })?.words
}

describe('a session that is missing', () => {
  const missing = { kind: 'get', found: null } as const
  const failed = { outcome: 'failed', error: new Error('may have happened') } as const

  it('may have been created by an attempt that failed, and destroyed before it was created again', () => {
    const again = { kind: 'create again' } as const
    assert.equal(wordsOf({ kind: 'create', ...failed }, { kind: 'destroy' }, again, missing), undefined)
    assert.match(wordsOf({ kind: 'create', ...failed }, again, missing) ?? '', /is missing that was stored/)
    assert.match(wordsOf({ kind: 'destroy' }, { kind: 'create' }, missing) ?? '', /is missing that was stored/)
  })
})

describe('the death of a session', () => {
  const found = (expires: number) => ({ kind: 'get', found: { values: {}, expires } }) as const

  it('is what the request that made it says next', () => {
    const sooner = { kind: 'update', knownSince: 0, expires: late - 1 } as const
    assert.equal(wordsOf({ kind: 'create' }, sooner, found(late - 1)), undefined)
    assert.match(wordsOf({ kind: 'create' }, sooner, found(late)) ?? '', /at a time that was moved since/)
  })

  it('may be a later one that another has set before the first save was answered', () => {
    const create = { kind: 'create', begin: 0, end: 4 } as const
    const theirs = { kind: 'touch', request: 1, begin: 1, end: 2, expires: late + 1 } as const
    const kept = { kind: 'update', begin: 5, end: 6, knownSince: create.begin } as const
    assert.equal(wordsOf(create, theirs, kept, { ...found(late + 1), begin: 7, end: 8 }), undefined)
  })
})
