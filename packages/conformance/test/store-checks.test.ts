import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { gradeStore, storeChecks, storeConformance } from '../src/index.ts'
import { storeFaults } from './fixtures/store-faults/index.ts'
import { GoodStore, type Shared } from './fixtures/store-faults/kit.ts'

const fresh = (): Shared => ({ place: new Map(), records: Object.create(null) })

storeConformance(
  { describe, it },
  {
    open: async () => {
      const shared = fresh()
      const stores = [new GoodStore(shared)]
      const another = async () => {
        stores.push(new GoodStore(shared))
        return stores.at(-1)!
      }
      return { store: stores[0]!, another, close: async () => void (await Promise.all(stores.map((store) => store.close()))) }
    },
  },
)

describe('each fault of a store is found', () => {
  for (const { fault, make, breaks, limit = 5_000 } of storeFaults) {
    it(`a store that ${fault}`, async () => {
      const open = async () => {
        const shared = fresh()
        return { store: make(shared), another: async () => make(shared), close: async () => {} }
      }
      const grades = await gradeStore({ open, limit, only: (name) => breaks.includes(name) })
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
