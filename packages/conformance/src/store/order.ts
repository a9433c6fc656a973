import assert from 'node:assert/strict'
import { assertData, loaded, newSession, type StoreCheck, storeCheck } from './helpers.ts'

/** Calls during other calls. */
export const orderChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'get returns the data of a set that is pending',
    why: 'express-session index.js sends the head of a response before `set` has ended: the browser follows a redirect meanwhile',
    async run({ store }) {
      for (let round = 0; round < 5; round++) {
        const setting = store.set('sid', newSession(store, 'sid', { round }))
        const found = await store.get('sid')
        await setting
        assertData(found, { round }, 'get overtook the set')
      }
    },
  }),
  storeCheck({
    name: 'the second of two pending sets is stored',
    why: 'express-session index.js sets again at the end of a request whose own `save()` is still pending',
    async run({ store }) {
      for (let round = 0; round < 5; round++) {
        const sets = ['first', 'second'].map((value) => store.set('sid', newSession(store, 'sid', { value, round })))
        await Promise.all(sets)
        assertData(await store.get('sid'), { value: 'second', round })
      }
    },
  }),
  storeCheck({
    name: 'many sets at once are all stored',
    why: 'common sense: parallel requests of different users are independent',
    async run({ store }) {
      const sids = Array.from({ length: 100 }, (_, index) => `session-${index}`)
      await Promise.all(sids.map((sid) => store.set(sid, newSession(store, sid, { of: sid }))))
      const found = await Promise.all(sids.map((sid) => store.get(sid)))
      for (const [index, sid] of sids.entries()) assertData(found[index]!, { of: sid })
    },
  }),
  storeCheck({
    name: 'touch during a set does not restore the old data',
    why: 'express-session index.js touches at the end of a request whose own `save()` may still be pending',
    needs: ['touch'],
    async run({ store }) {
      await store.set('sid', newSession(store, 'sid', { value: 'old' }))
      for (let round = 0; round < 5; round++) {
        const session = await loaded(store, 'sid')
        session['value'] = `new ${round}`
        await Promise.all([store.set('sid', session), store.touch('sid', session)])
        assertData(await store.get('sid'), { value: `new ${round}` })
      }
    },
  }),
  storeCheck({
    name: 'destroy removes the session and no other',
    why: 'express-session README, store.destroy: "destroy/delete a session from the store given a session ID"',
    async run({ store }) {
      await store.set('one', newSession(store, 'one', { a: 1 }))
      await store.set('two', newSession(store, 'two', { a: 2 }))
      await store.destroy('one')
      assert.equal(await store.get('one'), null)
      assertData(await store.get('two'), { a: 2 })
      await store.set('one', newSession(store, 'one', { a: 3 }))
      assertData(await store.get('one'), { a: 3 })
    },
  }),
  storeCheck({
    name: 'destroy of a missing session is no error',
    why: 'express-session index.js destroys again at the end of a request that destroyed, with `unset: "destroy"`',
    async run({ store }) {
      await store.destroy('missing')
      await store.set('sid', newSession(store, 'sid', { a: 1 }))
      await Promise.all([store.destroy('sid'), store.destroy('sid')])
      await store.destroy('sid')
      assert.equal(await store.get('sid'), null)
    },
  }),
  storeCheck({
    name: 'destroy during a set removes the session',
    why: 'common sense: the last call counts, a logout most of all',
    async run({ store }) {
      for (let round = 0; round < 5; round++) {
        await Promise.all([store.set('sid', newSession(store, 'sid', { a: 1 })), store.destroy('sid')])
        assert.equal(await store.get('sid'), null, 'the session is stored after its destroy')
      }
    },
  }),
]
