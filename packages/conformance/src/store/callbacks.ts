import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { Provoked } from '../capture.ts'
import { type Driver, requireSupported, type StoreMethod } from './any-store.ts'
import { assertData, eventually, newSession, type StoreCheck, type StoreNeed, storeCheck } from './helpers.ts'

const ONCE =
  'express-session index.js continues the request in the callback: without a call it hangs, a second call continues it twice'
const NO_CALLBACK = 'common sense: a callback may be left out (the types of express-session have `callback?` here)'
const ONE_ARGUMENT =
  'express-session README: "The `callback` should be called as `callback(error)`"; a second argument breaks async.waterfall'

/** How checks call each method: for a session that is stored, and for one that is missing. */
const CALLS: readonly (readonly [method: StoreMethod, args: (store: Driver) => readonly unknown[]])[] = [
  ['get', () => ['stored']],
  ['get', () => ['missing']],
  ['set', (store) => ['stored', newSession(store, 'stored', { a: 2 })]],
  ['set', (store) => ['new', newSession(store, 'new', { a: 1 })]],
  ['touch', (store) => ['stored', newSession(store, 'stored', { a: 1 })]],
  ['touch', (store) => ['missing', newSession(store, 'missing', { a: 1 })]],
  ['all', () => []],
  ['length', () => []],
  ['destroy', () => ['stored']],
  ['destroy', () => ['missing']],
  ['clear', () => []],
  ['cleanup', () => []],
]

const METHODS = [...new Set(CALLS.map(([method]) => method))]
const WITHOUT_RESULT: readonly StoreMethod[] = ['set', 'touch', 'destroy', 'clear', 'cleanup']

/** Every callback is called, once. */
export const callbackChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'a store is an EventEmitter',
    why: 'express-session README: "Every session store _must_ be an `EventEmitter`"',
    async run({ store: { store } }) {
      assert.ok(store instanceof EventEmitter || typeof store.on === 'function')
      assert.equal(typeof store.createSession, 'function', 'it lacks createSession, which express-session calls')
    },
  }),
  ...METHODS.flatMap((method) => [
    storeCheck({
      name: `${method} calls back exactly once`,
      why: ONCE,
      needs: needs(method),
      run: ({ store }) => callsBackOnce(store, method, () => {}),
    }),
    storeCheck({
      name: `${method} does not call its callback again if that throws`,
      why: ONCE,
      needs: needs(method),
      run: ({ store }) =>
        callsBackOnce(store, method, () => {
          throw new Provoked('the callback throws, as a route handler may')
        }),
    }),
  ]),
  ...WITHOUT_RESULT.map((method) =>
    storeCheck({
      name: `${method} calls back with one argument at most on success`,
      why: ONE_ARGUMENT,
      needs: needs(method),
      async run({ store }) {
        for (const args of argumentsOf(method, store)) {
          await store.set('stored', newSession(store, 'stored', { a: 1 }))
          const passed = await new Promise<unknown[]>((resolve) => {
            store.invoke(method, ...args, (...results: unknown[]) => resolve(results))
          })
          requireSupported(passed[0])
          assert.ok(!passed[0], `${method} called back with an error: ${passed[0]}`)
          assert.ok(passed.length <= 1, `${method} called back with ${passed.length} arguments`)
        }
      },
    }),
  ),
  storeCheck({
    name: 'get leaves the session as it is if its callback throws',
    why: 'common sense: an error of a route handler says nothing about the session',
    async run({ store }) {
      await store.set('stored', newSession(store, 'stored', { a: 1 }))
      await new Promise<void>((resolve) => {
        const callback = (): void => {
          resolve()
          throw new Provoked('the callback throws, as a route handler may')
        }
        try {
          store.invoke('get', 'stored', callback)
        } catch {} // a store may call back synchronously: then the error is thrown here
      })
      assertData(await store.get('stored'), { a: 1 })
      assertData(await store.get('stored'), { a: 1 })
    },
  }),
  storeCheck({
    name: 'destroy works without a callback',
    why: 'express-session session.js passes on the callback of `req.session.destroy()`, which may be undefined',
    async run({ store }) {
      await store.set('stored', newSession(store, 'stored', { a: 1 }))
      store.invoke('destroy', 'missing')
      store.invoke('destroy', 'stored')
      await eventually(async () => (await store.get('stored')) === null)
    },
  }),
  storeCheck({
    name: 'set works without a callback',
    why: NO_CALLBACK,
    async run({ store }) {
      store.invoke('set', 'stored', newSession(store, 'stored', { a: 1 }))
      await eventually(async () => (await store.get('stored')) !== null)
    },
  }),
  storeCheck({
    name: 'touch works without a callback',
    why: NO_CALLBACK,
    needs: ['touch'],
    async run({ store }) {
      await store.set('stored', newSession(store, 'stored', { a: 1 }))
      store.invoke('touch', 'stored', newSession(store, 'stored', { a: 1 }))
      store.invoke('touch', 'missing', newSession(store, 'missing', { a: 1 }))
      assertData(await store.get('stored'), { a: 1 })
    },
  }),
  storeCheck({
    name: 'clear works without a callback',
    why: NO_CALLBACK,
    needs: ['clear'],
    async run({ store }) {
      // Skipped if the store cannot do it.
      await store.clear()
      await store.set('stored', newSession(store, 'stored', { a: 1 }))
      store.invoke('clear')
      await eventually(async () => (await store.get('stored')) === null)
    },
  }),
  storeCheck({
    name: 'callbacks run in the async context of their call',
    why: 'common sense: the AsyncLocalStorage of a request (its id in the log, its trace) belongs to that request',
    async run({ store }) {
      const context = new AsyncLocalStorage<string>()
      const seen: string[] = []
      await Promise.all(
        ['one', 'two', 'three'].map(async (sid) => {
          await context.run(sid, () => store.set(sid, newSession(store, sid, { a: 1 })))
          await new Promise<void>((resolve) => {
            context.run(sid, () => {
              store.invoke('get', sid, () => {
                seen.push(`${sid} in ${context.getStore()}`)
                resolve()
              })
            })
          })
        }),
      )
      assert.deepEqual(seen.sort(), ['one in one', 'three in three', 'two in two'])
    },
  }),
]

function needs(method: StoreMethod): readonly StoreNeed[] {
  return method === 'get' || method === 'set' || method === 'destroy' ? [] : [method]
}

function argumentsOf(method: StoreMethod, store: Driver): (readonly unknown[])[] {
  return CALLS.filter(([name]) => name === method).map(([, args]) => args(store))
}

async function callsBackOnce(store: Driver, method: StoreMethod, react: () => void): Promise<void> {
  for (const args of argumentsOf(method, store)) {
    await store.set('stored', newSession(store, 'stored', { a: 1 }))
    let calls = 0
    const error = await new Promise<unknown>((resolve) => {
      const callback = (result: unknown): void => {
        calls++
        resolve(result)
        react()
      }
      try {
        store.invoke(method, ...args, callback)
      } catch (error) {
        // A synchronous call is allowed, and then the callback's own error is thrown here. Any other error is the store's.
        if (!(error instanceof Provoked)) throw error
      }
    })
    requireSupported(error)
    // Long enough for a second call: two more operations of the same store, and ten milliseconds.
    await store.get('stored')
    await store.get('missing')
    await new Promise((resolve) => setTimeout(resolve, 10))
    assert.equal(calls, 1, `${method} called back ${calls} times`)
  }
}
