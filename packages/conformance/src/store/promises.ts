import assert from 'node:assert/strict'
import { assertData, newSession, type StoreCheck, storeCheck } from './helpers.ts'

const WHY = 'connect-databank README: a method that is called without a callback returns a promise'

/** Methods without a callback, for stores that return promises. */
export const promiseChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'without a callback, get, set and destroy return promises',
    why: WHY,
    needs: ['promises'],
    async run({ store }) {
      assert.equal(await store.invoke('get', 'sid'), null)
      const setting = store.invoke('set', 'sid', newSession(store, 'sid', { a: 1 }))
      assert.ok(setting instanceof Promise, 'set returned no promise')
      assert.equal(await setting, undefined)
      assertData((await store.invoke('get', 'sid')) as Record<string, unknown>, { a: 1 })
      assert.equal(await store.invoke('destroy', 'sid'), undefined)
      assert.equal(await store.invoke('get', 'sid'), null)
    },
  }),
  storeCheck({
    name: 'without a callback, touch returns a promise',
    why: WHY,
    needs: ['promises', 'touch'],
    async run({ store }) {
      const touching = store.invoke('touch', 'missing', newSession(store, 'missing', {}))
      assert.ok(touching instanceof Promise, 'touch returned no promise')
      assert.equal(await touching, undefined)
    },
  }),
  storeCheck({
    name: 'without a callback, all, length and clear return promises',
    why: WHY,
    needs: ['promises', 'all', 'length', 'clear'],
    async run({ store }) {
      // Skipped if the store cannot list its sessions.
      await store.all()
      await store.set('sid', newSession(store, 'sid', { a: 1 }))
      assert.equal(((await store.invoke('all')) as unknown[]).length, 1)
      assert.equal(await store.invoke('length'), 1)
      assert.equal(await store.invoke('clear'), undefined)
      assert.equal(await store.invoke('length'), 0)
    },
  }),
  storeCheck({
    name: 'a promise that rejects and is not handled is no unhandled rejection',
    why: 'common sense: express-session ignores the promise, and an unhandled rejection ends the process',
    needs: ['promises'],
    async run({ store }) {
      const cycle: { self?: object } = {}
      cycle.self = cycle
      const setting = store.invoke('set', 'sid', newSession(store, 'sid', cycle))
      store.invoke('set', 'sid', newSession(store, 'sid', cycle))
      await assert.rejects(setting as Promise<void>)
      // The check fails if the second one is reported as unhandled.
      await new Promise((resolve) => setTimeout(resolve, 20))
    },
  }),
]
