// The checks that other stores and banks fail, by name: the checks are neither stricter nor laxer than they say.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { DatabankStore, fromDatabank } from 'connect-databank'
import session from 'express-session'
import { describe, it } from 'vitest'
import { type AnyStore, type Grade, gradeBank, gradeStore, type OpenedStore } from '../src/index.ts'

const require = createRequire(import.meta.url)
const MemorystoreStore: new (options: object) => AnyStore & { stopInterval(): void } = require('memorystore')(session)

/** The checks that every store without protection against races fails. */
const racing = [
  'parallel requests that change different keys lose nothing, in every order in which they end',
  'parallel requests that change different keys lose nothing, if they end at the same moment',
  'parallel requests that remove a key and add another lose nothing',
  'a parallel request that changes nothing does not restore old data, with resave: true',
  'a request that saves twice loses no change of its own and none of another request',
  'a destroyed session stays destroyed when a pending request changes it',
  'a destroyed session stays destroyed when a pending request changes nothing',
  'a destroyed session stays destroyed when a pending request changes its cookie',
  'a destroyed session stays destroyed when a pending request saves it twice',
  'a regenerated session stays ended when a pending request changes it',
]

/** A store that stores whatever JSON.stringify returns fails these. */
const stringifying = ['text', 'a number', 'an array', 'null', 'undefined'].map(
  (what) => `set of a session whose toJSON returns ${what} calls back with an error`,
)

const failures: Readonly<Record<string, { open: () => Promise<OpenedStore>; fails: readonly string[] }>> = {
  'express-session’s MemoryStore': {
    open: async () => ({ store: new session.MemoryStore(), close: async () => {} }),
    fails: [
      ...racing,
      ...stringifying,
      'set of a session with a BigInt calls back with an error, or stores it', // it throws
      'set of a session with a cycle calls back with an error, or stores it',
      'all returns an array', // it returns an object
    ],
  },
  memorystore: {
    open: async () => {
      // The setting that deletes expired sessions: until then, `length` counts them.
      const store = new MemorystoreStore({ checkPeriod: 1 })
      return { store, close: async () => store.stopInterval() }
    },
    fails: [
      ...racing,
      ...stringifying,
      'a session that is set when it has expired is missing', // with a maxAge of 0 it never expires
      'all returns an array', // it returns an object
    ],
  },
  'connect-databank on databank’s memory driver': {
    open: async () => {
      const store = new DatabankStore({ bank: fromDatabank('memory', {}), timeout: 1_000 })
      return { store, close: () => store.close() }
    },
    // The driver keeps records in plain objects, where `toString` exists before it is saved.
    fails: ['ids are kept apart: properties of objects'],
  },
}

describe('graded, the store', () => {
  for (const [name, { open, fails }] of Object.entries(failures)) {
    it(name, async () => {
      assert.deepEqual(failed(await gradeStore({ open, rounding: 0 })), [...fails].sort())
    })
  }
})

describe('graded, the bank', () => {
  it('databank’s memory driver', async () => {
    const open = async () => {
      const bank = fromDatabank('memory', {})
      return { bank, close: async () => bank.close?.() }
    }
    // The driver never calls back for `toString`.
    assert.deepEqual(failed(await gradeBank({ open, limit: 2_000 })), [
      'ids are kept apart: properties of objects',
      'scan yields any id as it was saved',
    ])
  })
})

function failed(grades: readonly Grade[]): string[] {
  return grades
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ name }) => name)
    .sort()
}
