import assert from 'node:assert/strict'
import { dataOf, newSession, SHORT_AGE, type StoreCheck, type StoreContext, storeCheck } from './helpers.ts'

const ALL = 'express-session README, store.all: "get all sessions in the store as an array"'
const LENGTH = 'express-session README, store.length: "get the count of all sessions in the store"'
const LIVE = 'express-session memory.js: "Get all active sessions", "Get number of active sessions"'

/** All sessions at once. */
export const listingChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'all returns an array',
    why: ALL,
    needs: ['all'],
    async run({ store }) {
      assert.deepEqual(await store.call('all'), [])
      await store.set('sid', newSession(store, 'sid', { a: 1 }))
      assert.ok(Array.isArray(await store.call('all')))
    },
  }),
  storeCheck({
    name: 'all returns every session',
    why: ALL,
    needs: ['all'],
    async run({ store }) {
      const names = Array.from({ length: 150 }, (_, index) => `session-${String(index).padStart(3, '0')}`)
      await Promise.all(names.map((name) => store.set(name, newSession(store, name, { name }))))
      await store.set('browser', newSession(store, 'browser', { name: 'browser' }, {}))
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
    name: 'all gives each session its id, as a property that is not enumerable',
    why: 'connect-databank README: each session of `all` has its `id`, as a session of a request has',
    needs: ['all', 'update'],
    async run({ store }) {
      for (const sid of ['one', 'two']) await store.set(sid, newSession(store, sid, { name: sid }))
      const found = await store.all()
      assert.deepEqual(found.map(({ id, name }) => [id, name]).sort(), [
        ['one', 'one'],
        ['two', 'two'],
      ])
      for (const session of found) assert.deepEqual(Object.keys(session).sort(), ['cookie', 'name'])
    },
  }),
  storeCheck({
    name: 'all leaves expired sessions out',
    why: LIVE,
    needs: ['all'],
    async run(context) {
      await storeTwoAndAnExpired(context)
      const found = await context.store.all()
      assert.deepEqual(found.map((session) => dataOf(session)?.['a']).sort(), [2, 3])
    },
  }),
  storeCheck({
    name: 'length returns how many sessions are stored',
    why: LENGTH,
    needs: ['length'],
    async run({ store }) {
      assert.equal(await store.length(), 0)
      for (let index = 0; index < 12; index++) await store.set(`sid-${index}`, newSession(store, `sid-${index}`, { index }))
      assert.equal(await store.length(), 12)
      await store.set('sid-1', newSession(store, 'sid-1', { again: true }))
      assert.equal(await store.length(), 12, 'a session that was set twice')
      await store.destroy('sid-2')
      assert.equal(await store.length(), 11, 'after one was destroyed')
      await store.destroy('sid-2')
      assert.equal(await store.length(), 11, 'after it was destroyed again')
    },
  }),
  storeCheck({
    name: 'length leaves expired sessions out',
    why: LIVE,
    needs: ['length'],
    async run(context) {
      await storeTwoAndAnExpired(context)
      assert.equal(await context.store.length(), 2)
    },
  }),
  storeCheck({
    name: 'clear deletes all sessions, and the store can be used afterwards',
    why: 'express-session README, store.clear: "delete all sessions from the store"',
    needs: ['clear'],
    async run({ store }) {
      await store.clear()
      const sids = Array.from({ length: 60 }, (_, index) => `session-${index}`)
      await Promise.all(sids.map((sid) => store.set(sid, newSession(store, sid, { a: 1 }))))
      await store.clear()
      for (const sid of sids) assert.equal(await store.get(sid), null)
      await store.set('sid', newSession(store, 'sid', { a: 2 }))
      assert.deepEqual(dataOf(await store.get('sid'))?.['a'], 2)
    },
  }),
  storeCheck({
    name: 'cleanup keeps the sessions that have not expired',
    why: 'connect-databank README: `cleanup` deletes expired sessions',
    needs: ['cleanup'],
    async run(context) {
      await storeTwoAndAnExpired(context)
      const { store } = context
      await store.call('cleanup')
      assert.equal(await store.get('short'), null)
      assert.equal(dataOf(await store.get('long'))?.['a'], 2)
      assert.equal(dataOf(await store.get('browser'))?.['a'], 3)
    },
  }),
]

async function storeTwoAndAnExpired({ store, untilExpired }: StoreContext): Promise<void> {
  await store.set('short', newSession(store, 'short', { a: 1 }, { maxAge: SHORT_AGE }))
  await store.set('long', newSession(store, 'long', { a: 2 }))
  await store.set('browser', newSession(store, 'browser', { a: 3 }, {}))
  await untilExpired()
}
