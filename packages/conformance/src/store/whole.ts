import assert from 'node:assert/strict'
import { afterDeath, BRIEFLY, dataOf, live, type StoreCheck, type StoreContext, storeCheck } from './kit.ts'

const ALL = 'express-session README, store.all: "get all sessions in the store as an array"'
const LENGTH = 'express-session README, store.length: "get the count of all sessions in the store"'
const LIVE = 'express-session memory.js, the model store: "Get all active sessions", "Get number of active sessions"'

/** All sessions at once. */
export const wholeChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'all gives an array',
    why: ALL,
    needs: ['all'],
    async run({ store }) {
      assert.deepEqual(await store.call('all'), [])
      await store.set('sid', live(store.store, 'sid', { a: 1 }))
      assert.ok(Array.isArray(await store.call('all')))
    },
  }),
  storeCheck({
    name: 'all gives every session',
    why: ALL,
    needs: ['all'],
    async run({ store }) {
      const names = Array.from({ length: 150 }, (_, index) => `session-${String(index).padStart(3, '0')}`)
      await Promise.all(names.map((name) => store.set(name, live(store.store, name, { name }))))
      await store.set('browser', live(store.store, 'browser', { name: 'browser' }, {}))
      await store.destroy(names[0]!)
      const found = await store.all()
      assert.deepEqual(found.map(({ name }) => name).sort(), ['browser', ...names.slice(1)])
      assert.ok(
        found.every(({ cookie }) => cookie?.path === '/'),
        'sessions without their cookies',
      )
    },
  }),
  storeCheck({
    name: 'all leaves out what has expired',
    why: LIVE,
    needs: ['all'],
    async run(context) {
      await threeOfWhichOneDies(context)
      const found = await context.store.all()
      assert.deepEqual(found.map((session) => dataOf(session)?.['a']).sort(), [2, 3])
    },
  }),
  storeCheck({
    name: 'length is how many there are',
    why: LENGTH,
    needs: ['length'],
    async run({ store }) {
      assert.equal(await store.length(), 0)
      for (let index = 0; index < 12; index++) await store.set(`sid-${index}`, live(store.store, `sid-${index}`, { index }))
      assert.equal(await store.length(), 12)
      await store.set('sid-1', live(store.store, 'sid-1', { again: true }))
      assert.equal(await store.length(), 12, 'a session that was set twice')
      await store.destroy('sid-2')
      assert.equal(await store.length(), 11, 'after one was destroyed')
      await store.destroy('sid-2')
      assert.equal(await store.length(), 11, 'after it was destroyed again')
    },
  }),
  storeCheck({
    name: 'length leaves out what has expired',
    why: LIVE,
    needs: ['length'],
    async run(context) {
      await threeOfWhichOneDies(context)
      assert.equal(await context.store.length(), 2)
    },
  }),
  storeCheck({
    name: 'clear removes all sessions and leaves the store usable',
    why: 'express-session README, store.clear: "delete all sessions from the store"',
    needs: ['clear'],
    async run({ store }) {
      await store.clear()
      const sids = Array.from({ length: 60 }, (_, index) => `session-${index}`)
      await Promise.all(sids.map((sid) => store.set(sid, live(store.store, sid, { a: 1 }))))
      await store.clear()
      for (const sid of sids) assert.equal(await store.get(sid), null)
      await store.set('sid', live(store.store, 'sid', { a: 2 }))
      assert.deepEqual(dataOf(await store.get('sid'))?.['a'], 2)
    },
  }),
]

async function threeOfWhichOneDies({ store }: StoreContext): Promise<void> {
  await store.set('brief', live(store.store, 'brief', { a: 1 }, { maxAge: BRIEFLY }))
  await store.set('long', live(store.store, 'long', { a: 2 }))
  await store.set('browser', live(store.store, 'browser', { a: 3 }, {}))
  await afterDeath()
}
