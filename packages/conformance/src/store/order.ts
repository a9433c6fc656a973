import assert from 'node:assert/strict'
import { assertData, HOUR, live, loaded, type StoreCheck, storeCheck } from './kit.ts'

/** What holds when calls follow each other without waiting, and when they go wrong. */
export const orderChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'get sees a set that is under way',
    why: 'express-session index.js sends the head of a response before `set` has ended: the browser follows a redirect meanwhile',
    async run({ store }) {
      for (let round = 0; round < 5; round++) {
        const setting = store.set('sid', live(store.store, 'sid', { round }))
        const found = await store.get('sid')
        await setting
        assertData(found, { round }, 'get overtook the set')
      }
    },
  }),
  storeCheck({
    name: 'of two sets under way the second holds',
    why: 'express-session index.js sets again at the end of a request whose own `save()` is still under way',
    async run({ store }) {
      for (let round = 0; round < 5; round++) {
        const sets = ['first', 'second'].map((value) => store.set('sid', live(store.store, 'sid', { value, round })))
        await Promise.all(sets)
        assertData(await store.get('sid'), { value: 'second', round })
      }
    },
  }),
  storeCheck({
    name: 'many sets at once all arrive',
    why: 'plain sense: parallel requests of different people have nothing to do with each other',
    async run({ store }) {
      const sids = Array.from({ length: 100 }, (_, index) => `session-${index}`)
      await Promise.all(sids.map((sid) => store.set(sid, live(store.store, sid, { of: sid }))))
      const found = await Promise.all(sids.map((sid) => store.get(sid)))
      for (const [index, sid] of sids.entries()) assertData(found[index]!, { of: sid })
    },
  }),
  storeCheck({
    name: 'a touch behind a set that is under way takes nothing back',
    why: 'express-session index.js touches at the end of a request whose own `save()` may still be under way',
    needs: ['touch'],
    async run({ store }) {
      await store.set('sid', live(store.store, 'sid', { value: 'old' }))
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
      await store.set('one', live(store.store, 'one', { a: 1 }))
      await store.set('two', live(store.store, 'two', { a: 2 }))
      await store.destroy('one')
      assert.equal(await store.get('one'), null)
      assertData(await store.get('two'), { a: 2 })
      await store.set('one', live(store.store, 'one', { a: 3 }))
      assertData(await store.get('one'), { a: 3 })
    },
  }),
  storeCheck({
    name: 'destroy of what is not there is no error',
    why: 'express-session index.js destroys once more at the end of a request that destroyed, with `unset: "destroy"`',
    async run({ store }) {
      await store.destroy('missing')
      await store.set('sid', live(store.store, 'sid', { a: 1 }))
      await Promise.all([store.destroy('sid'), store.destroy('sid')])
      await store.destroy('sid')
      assert.equal(await store.get('sid'), null)
    },
  }),
  storeCheck({
    name: 'destroy behind a set that is under way holds',
    why: 'plain sense: what was said last holds, a logout most of all',
    async run({ store }) {
      for (let round = 0; round < 5; round++) {
        await Promise.all([store.set('sid', live(store.store, 'sid', { a: 1 })), store.destroy('sid')])
        assert.equal(await store.get('sid'), null, 'the session came back')
      }
    },
  }),
  ...Object.entries<() => unknown>({ 'a BigInt': () => 1n, 'a cycle': cycle }).map(([what, make]) =>
    storeCheck({
      name: `a session that JSON cannot hold, with ${what}: an error or a session, and nothing lost`,
      why: 'plain sense: what cannot be stored is told to the callback, and what was stored stays',
      async run({ store }) {
        await store.set('there', live(store.store, 'there', { a: 1 }, { maxAge: HOUR }))
        const session = await loaded(store, 'there')
        session['bad'] = make()
        if (await fails(() => store.set('there', session))) assertData(await store.get('there'), { a: 1 })
        // A store that can hold it (there are formats that can) has to hold it.
        else assert.ok('bad' in ((await store.get('there')) ?? {}), 'no error, and the value is gone')
        if (await fails(() => store.set('new', live(store.store, 'new', { bad: make() }))))
          assert.equal(await store.get('new'), null)
        await store.set('there', live(store.store, 'there', { a: 2 }))
        assertData(await store.get('there'), { a: 2 })
      },
    }),
  ),
]

function cycle(): object {
  const self: { self?: object } = {}
  self.self = self
  return self
}

/** Whether it called back with an error; that it throws instead is a failure of the check. */
async function fails(run: () => Promise<void>): Promise<boolean> {
  try {
    await run()
    return false
  } catch (error) {
    assert.ok(!/threw instead of calling back/.test(String(error)), String(error))
    return true
  }
}
