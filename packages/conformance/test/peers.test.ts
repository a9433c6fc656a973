// What stores and banks of other makers fail, by name: the checks are no stricter than they say, and no laxer.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { DatabankStore, fromDatabank } from 'connect-databank'
import session from 'express-session'
import { describe, it } from 'vitest'
import { type AnyStore, type Grade, gradeBank, gradeStore, type OpenedStore } from '../src/index.ts'

const require = createRequire(import.meta.url)
const MemorystoreStore: new (options: object) => AnyStore & { stopInterval(): void } = require('memorystore')(session)

/** What every store without protection against races fails. */
const racing = [
  'parallel requests that change different keys lose nothing, in whatever order they end',
  'parallel requests that change different keys lose nothing, when they end at the same moment',
  'a removed key stays removed, an added one added, when parallel requests do both',
  'a parallel request that changes nothing takes nothing back, with resave: true',
  'a request that saves twice loses nothing of its own, and nothing of what came between',
  'a session that was destroyed stays so when a request under way changes it',
  'a session that was destroyed stays so when a request under way changes nothing',
  'a session that was destroyed stays so when a request under way changes its cookie',
  'a session that was destroyed stays so when a request under way saves it twice',
  'a session that was regenerated stays so when a request under way changes it',
]

const failures: Readonly<Record<string, { open: () => Promise<OpenedStore>; fails: readonly string[] }>> = {
  'express-session’s MemoryStore': {
    open: async () => ({ store: new session.MemoryStore(), close: async () => {} }),
    fails: [
      ...racing,
      'a session that JSON cannot hold, with a BigInt: an error or a session, and nothing lost', // it throws
      'a session that JSON cannot hold, with a cycle: an error or a session, and nothing lost',
      'all gives an array', // but an object
    ],
  },
  memorystore: {
    open: async () => {
      // Its setting that lets the expired go: without it, `length` counts them.
      const store = new MemorystoreStore({ checkPeriod: 500 })
      return { store, close: async () => store.stopInterval() }
    },
    fails: [
      ...racing,
      'a session that is set when it has expired is missing', // with a lifetime of 0 it lives for ever
      'all gives an array', // but an object
    ],
  },
  'connect-databank on databank’s memory driver': {
    open: async () => {
      const store = new DatabankStore({ bank: fromDatabank('memory', {}) })
      return { store, close: () => store.close() }
    },
    // The driver keeps records in plain objects, where `toString` is there before it is saved.
    fails: ['ids are kept apart: properties of objects'],
  },
}

describe('graded, the store', () => {
  for (const [name, { open, fails }] of Object.entries(failures)) {
    it(name, async () => {
      assert.deepEqual(failed(await gradeStore({ open })), [...fails].sort())
    })
  }
})

describe('graded, the bank', () => {
  it('databank’s memory driver', async () => {
    const open = async () => {
      const bank = fromDatabank('memory', {})
      return { bank, close: async () => bank.close?.() }
    }
    assert.deepEqual(failed(await gradeBank({ open })), [
      'ids are kept apart: properties of objects',
      'scan gives any id as it was saved',
    ])
  })
})

function failed(grades: readonly Grade[]): string[] {
  return grades
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ name }) => name)
    .sort()
}
