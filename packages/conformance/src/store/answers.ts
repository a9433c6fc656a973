import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { Provoked } from '../capture.ts'
import type { Driver, StoreMethod } from './any-store.ts'
import { assertData, eventually, live, type StoreCheck, type StoreNeed, storeCheck } from './kit.ts'

const ONCE = 'express-session index.js goes on with the request in the callback: no call hangs it, a second goes on twice'

/** How each method is called here: on a session that is there, and on one that is not. */
const CALLS: readonly (readonly [method: StoreMethod, args: (store: Driver) => readonly unknown[]])[] = [
  ['get', () => ['there']],
  ['get', () => ['missing']],
  ['set', (store) => ['there', live(store.store, 'there', { a: 2 })]],
  ['set', (store) => ['new', live(store.store, 'new', { a: 1 })]],
  ['touch', (store) => ['there', live(store.store, 'there', { a: 1 })]],
  ['touch', (store) => ['missing', live(store.store, 'missing', { a: 1 })]],
  ['all', () => []],
  ['length', () => []],
  ['destroy', () => ['there']],
  ['destroy', () => ['missing']],
  ['clear', () => []],
]

const METHODS = [...new Set(CALLS.map(([method]) => method))]

/** Every call is answered, once. */
export const answerChecks: readonly StoreCheck[] = [
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
      name: `${method} does not call a callback again that throws`,
      why: ONCE,
      needs: needs(method),
      run: ({ store }) =>
        callsBackOnce(store, method, () => {
          throw new Provoked('the callback throws, as a route handler may')
        }),
    }),
  ]),
  storeCheck({
    name: 'a callback of get that throws does the session no harm',
    why: 'plain sense: what a route handler throws is no fault of the session',
    async run({ store }) {
      await store.set('there', live(store.store, 'there', { a: 1 }))
      await new Promise<void>((resolve) => {
        const callback = (): void => {
          resolve()
          throw new Provoked('the callback throws, as a route handler may')
        }
        try {
          store.invoke('get', 'there', callback)
        } catch {} // a store may call back at once: then the error comes back here
      })
      assertData(await store.get('there'), { a: 1 })
      assertData(await store.get('there'), { a: 1 })
    },
  }),
  storeCheck({
    name: 'destroy needs no callback',
    why: 'express-session session.js hands on what `req.session.destroy()` was given, which may be nothing',
    async run({ store }) {
      await store.set('there', live(store.store, 'there', { a: 1 }))
      store.invoke('destroy', 'missing')
      store.invoke('destroy', 'there')
      await eventually(async () => (await store.get('there')) === null)
    },
  }),
  storeCheck({
    name: 'set needs no callback',
    why: 'plain sense: who does not ask is not answered (the types of express-session have `callback?` here)',
    async run({ store }) {
      store.invoke('set', 'there', live(store.store, 'there', { a: 1 }))
      await eventually(async () => (await store.get('there')) !== null)
    },
  }),
  storeCheck({
    name: 'touch needs no callback',
    why: 'plain sense: who does not ask is not answered (the types of express-session have `callback?` here)',
    needs: ['touch'],
    async run({ store }) {
      await store.set('there', live(store.store, 'there', { a: 1 }))
      store.invoke('touch', 'there', live(store.store, 'there', { a: 1 }))
      store.invoke('touch', 'missing', live(store.store, 'missing', { a: 1 }))
      assertData(await store.get('there'), { a: 1 })
    },
  }),
  storeCheck({
    name: 'clear needs no callback',
    why: 'plain sense: who does not ask is not answered (the types of express-session have `callback?` here)',
    needs: ['clear'],
    async run({ store }) {
      await store.set('there', live(store.store, 'there', { a: 1 }))
      store.invoke('clear')
      await eventually(async () => (await store.get('there')) === null)
    },
  }),
  storeCheck({
    name: 'callbacks run in the async context of their call',
    why: 'plain sense: a request’s AsyncLocalStorage (its id in the log, its trace) belongs to that request',
    async run({ store }) {
      const context = new AsyncLocalStorage<string>()
      const ask = (name: string, method: StoreMethod, ...args: unknown[]): Promise<void> =>
        context.run(name, () => store.call(method, ...args)).then(() => {})
      const seen: string[] = []
      await Promise.all(
        ['one', 'two', 'three'].map(async (sid) => {
          await ask(sid, 'set', sid, live(store.store, sid, { a: 1 }))
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
  return ['get', 'set', 'destroy'].includes(method) ? [] : [method]
}

async function callsBackOnce(store: Driver, method: StoreMethod, react: () => void): Promise<void> {
  for (const [name, args] of CALLS) {
    if (name !== method) continue
    await store.set('there', live(store.store, 'there', { a: 1 }))
    let calls = 0
    await new Promise<void>((resolve) => {
      const callback = (): void => {
        calls++
        resolve()
        react()
      }
      try {
        store.invoke(method, ...args(store), callback)
      } catch (error) {
        // Calling back at once is allowed, and then the callback's own error comes out here. Any other error is the store's.
        if (!(error instanceof Provoked)) throw error
      }
    })
    // Long enough for a second call: two more answers of the same store, and a turn of everything that can be waited for.
    await store.get('there')
    await store.get('missing')
    await new Promise((resolve) => setTimeout(resolve, 10))
    assert.equal(calls, 1, `${method} called back ${calls} times`)
  }
}
