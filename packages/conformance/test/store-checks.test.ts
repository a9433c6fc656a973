import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { AnyStore, OpenedStore } from '../src/index.ts'
import { gradeStore, storeChecks, storeConformance } from '../src/index.ts'
import { GoodStore, type StoreFault } from './fixtures/store-faults/helpers.ts'
import { storeFaults } from './fixtures/store-faults/index.ts'

/** Opens stores that share their storage. */
async function open(make: StoreFault['make']): Promise<OpenedStore> {
  const shared = { table: new Map(), records: Object.create(null) }
  const stores: AnyStore[] = []
  const opened = (store: AnyStore): AnyStore => {
    stores.push(store)
    return store
  }
  return {
    store: opened(make(shared)),
    another: async () => opened(make(shared)),
    configured: async (settings, layer) => opened(make(shared, settings, layer)),
    close: async () => void (await Promise.all(stores.map((store) => store.close?.()))),
  }
}

storeConformance({ describe, it }, { open: () => open((...args) => new GoodStore(...args)), rounding: 0 })

describe('each fault of a store is found', () => {
  for (const { fault, make, breaks, limit = 5_000 } of storeFaults) {
    it(`a store that ${fault}`, async () => {
      const grades = await gradeStore({ open: () => open(make), limit, rounding: 0, only: (name) => breaks.includes(name) })
      assert.deepEqual(grades.map(({ name }) => name).sort(), [...breaks].sort())
      for (const { name, outcome } of grades) assert.equal(outcome, 'failed', `${name}: ${outcome}`)
    })
  }
})

describe('each check of a store', () => {
  it('fails for at least one fault', () => {
    const proven = new Set(storeFaults.flatMap(({ breaks }) => breaks))
    assert.deepEqual(
      storeChecks.map(({ name }) => name).filter((name) => !proven.has(name)),
      [],
    )
  })

  it('has a name of its own', () => {
    assert.equal(new Set(storeChecks.map(({ name }) => name)).size, storeChecks.length)
  })
})
