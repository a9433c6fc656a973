import assert from 'node:assert/strict'
import { DatabankStore } from 'connect-databank'
import type { Layer } from 'connect-databank/backend'
import { describe, it, vi } from 'vitest'
import { historyConformance, ownerInHistories, ReferenceBank, runHistories, type Table } from '../src/index.ts'
import { type BrokenStore, brokenStores } from './fixtures/history-faults.ts'
import { MergingStore } from './fixtures/merging-store.ts'

const RUNS = 1_000
/** The tests of core and of the backends run many more on stores that keep their promises. */
const RUNS_OF_GOOD = 300
/**
 * The most that look for a fault; they end with the first that has found it. Which session expires when depends on the speed of the
 * machine, whatever the seed: so a fault of expiry is found by chance, once in 500 histories or so.
 */
const MOST_RUNS = 20_000
const SEED = 20_120_401

function opening(make: BrokenStore['make']) {
  return async (layer: Layer) => {
    const table: Table = new Map()
    return { store: make(table, layer), another: async () => make(table, layer), close: async () => {} }
  }
}

/** The failure that histories find, with calls in order and, if that cannot be, as they come. */
async function failureOf({ make, faults, owners }: Omit<BrokenStore, 'fault' | 'found'>, runs: number) {
  const options = { open: opening(make), runs, seed: SEED, rounding: 0, limit: 300, shrinking: 0, owners: owners ?? false }
  const report = await runHistories({ ...options, calls: 'ordered', ...(faults && { faults }) })
  return report.skipped === undefined ? report : runHistories({ ...options, calls: 'as they come' })
}

const good = (table: Table, layer: Layer) =>
  new DatabankStore({ bank: layer(new ReferenceBank(table)), cleanupInterval: null, owner: ownerInHistories })

describe('without owners', () => {
  historyConformance({ describe, it }, { open: opening(good), runs: RUNS_OF_GOOD, seed: SEED, rounding: 0 })
})

describe('with owners', () => {
  historyConformance({ describe, it }, { open: opening(good), owners: true, runs: RUNS_OF_GOOD, seed: SEED, rounding: 0 })
})

describe('histories find a store that', () => {
  for (const broken of brokenStores) {
    it(broken.fault, async () => {
      const { failure } = await failureOf(broken, MOST_RUNS)
      assert.ok(failure, `not found in ${MOST_RUNS} histories`)
      assert.match(failure.error.message, broken.found)
    })
  }
})

/** A store whose fault does not depend on a clock. */
const clockless = brokenStores.find(({ fault }) => fault === 'does not delete')!

describe('histories', () => {
  it('pass for the simplest store that merges', async () => {
    const { failure } = await failureOf({ make: (table, layer) => new MergingStore(table, layer) }, RUNS_OF_GOOD)
    assert.equal(failure?.error.message, undefined)
  })

  it('repeat a failure by its seed and path', async () => {
    const options = { open: opening(clockless.make), calls: 'ordered' as const, shrinking: 25_000 }
    const first = await runHistories({ ...options, runs: RUNS, seed: SEED })
    // Not made smaller: how small the first became depends on the speed of the machine.
    const second = await runHistories({ ...options, shrinking: 0, seed: first.seed, path: first.failure!.path })
    assert.deepEqual(second.failure?.plan, first.failure!.plan)
    const withoutNames = (message: string) => message.replaceAll(/h\d+\./g, 'h.')
    assert.equal(withoutNames(second.failure!.error.message), withoutNames(first.failure!.error.message))
  })

  it('make a failure small', async () => {
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

  it('are skipped if the calls of the bank cannot be ordered', async () => {
    const memory = brokenStores.find(({ fault }) => fault === 'overwrites the whole session')!
    const report = await runHistories({ open: opening(memory.make), calls: 'ordered' })
    assert.match(report.skipped!, /cannot be ordered/)
  })
})
