import assert from 'node:assert/strict'
import { shown } from '../bank/helpers.ts'
import { hostileIds, idsThatCoreHashes } from '../ids.ts'
import {
  assertData,
  assertSameSecond,
  dataOf,
  expiryOf,
  HOUR,
  loaded,
  newSession,
  type StoreCheck,
  storeCheck,
} from './helpers.ts'

const GET = 'express-session README, store.get: "The `session` argument should be a session if found"'
const SET = 'express-session README, store.set: "upsert a session into the store"'
const JSON_SOURCE = 'express-session README, req.session: "(generally) serialized as JSON by the store"'
const GENID = 'express-session README, genid: "Provide a function that returns a string that will be used as a session ID."'
const KEYS = 'common sense: the keys of a session belong to the application'

const COOKIES = {
  'a maxAge': { maxAge: HOUR },
  'other attributes': {
    maxAge: 2 * HOUR,
    path: '/app',
    domain: 'example.org',
    httpOnly: false,
    secure: true,
    sameSite: 'lax',
    priority: 'high',
  },
  'no expiry': {},
} as const

/** The stored data and their ids. */
export const dataChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'get of a missing session calls back with null or undefined, and no error',
    why: 'express-session README, store.get: "otherwise `null` or `undefined` if the session was not found"',
    async run({ store }) {
      assert.equal(await store.get('missing'), null)
    },
  }),
  storeCheck({
    name: 'get returns the data that was set',
    why: GET,
    async run({ store }) {
      const data = {
        user: 'in8uy4',
        count: 3,
        ratio: -0.5,
        on: true,
        nothing: null,
        list: [1, [2], { three: 3 }],
        deep: { a: { b: { c: {} } } },
      }
      await store.set('one', newSession(store, 'one', data))
      await store.set('two', newSession(store, 'two', { user: 'another' }))
      assertData(await store.get('one'), data)
      assertData(await store.get('two'), { user: 'another' })
    },
  }),
  storeCheck({
    name: 'get adds no keys to the data',
    why: KEYS,
    async run({ store }) {
      await store.set('sid', newSession(store, 'sid', { a: 1 }))
      assert.deepEqual(dataOf(await store.get('sid')), { a: 1 })
    },
  }),
  storeCheck({
    name: 'set replaces the whole session',
    why: SET,
    async run({ store }) {
      await store.set('sid', newSession(store, 'sid', { a: 1, removed: true, list: [1, 2, 3] }))
      await store.set('sid', newSession(store, 'sid', { a: 2, list: [1] }))
      const found = await store.get('sid')
      assertData(found, { a: 2, list: [1] })
      assert.ok(!('removed' in found!), 'a key that was removed is still stored')
    },
  }),
  storeCheck({
    name: 'text is kept exactly',
    why: JSON_SOURCE,
    async run({ store }) {
      const data = {
        text: 'ünïcödé € 中文 😀 \u2028\u2029 \ufeff\uffff',
        quotes: '"\'\\`$1 %s',
        lines: 'a\r\nb\n',
        empty: '',
        'këy 😀': 1,
      }
      await store.set('sid', newSession(store, 'sid', data))
      assertData(await store.get('sid'), data)
    },
  }),
  storeCheck({
    name: 'NUL and lone surrogates in text are kept',
    why: JSON_SOURCE,
    async run({ store }) {
      const data = { nul: 'a\0b', high: 'a\ud800', low: '\udfffb' }
      await store.set('sid', newSession(store, 'sid', data))
      assertData(await store.get('sid'), data)
    },
  }),
  storeCheck({
    name: 'any key may be used by the application',
    why: KEYS,
    async run({ store }) {
      const names = ['sid', '_id', 'id', 'expires', 'session', 'data', 'lastModified', 'owner', 'version', 'created']
      const odd = ['a.b', '$set', '$', '', ' ', 'length', '0', 'then', '_s', '_bsontype']
      const data = Object.fromEntries([...names, ...odd].map((name) => [name, `of ${name}`]))
      // The session objects of express-session have an `id` of their own.
      delete data['id']
      await store.set('sid', newSession(store, 'sid', { ...data, deep: { ...data, id: 'of id' } }))
      assertData(await store.get('sid'), { ...data, deep: { ...data, id: 'of id' } })
    },
  }),
  storeCheck({
    name: 'a session of 500 kB is kept',
    why: 'common sense: applications put lists into sessions, and must not lose them silently',
    async run({ store }) {
      const data = { list: Array.from({ length: 5_000 }, (_, index) => ({ index, text: 'é'.repeat(40) })) }
      await store.set('sid', newSession(store, 'sid', data))
      assertData(await store.get('sid'), data)
    },
  }),
  ...Object.entries(COOKIES).map(([what, settings]) =>
    storeCheck({
      name: `the cookie is kept: ${what}`,
      why: 'express-session store.js makes the cookie of the request from what `get` returns, with `originalMaxAge` and `expires`',
      async run({ store }) {
        const set = newSession(store, 'sid', { a: 1 }, settings)
        const { expires: expected, ...rest } = JSON.parse(JSON.stringify(set['cookie']))
        await store.set('sid', set)
        const found = await loaded(store, 'sid')
        const { expires, ...cookie } = JSON.parse(JSON.stringify(found['cookie']))
        assert.deepEqual(cookie, rest)
        if (expected === null) {
          assert.ok(expires === null || expires === false || expires === undefined, 'the cookie has an expiry now')
          return
        }
        assertSameSecond(new Date(expires).getTime(), new Date(expected).getTime(), 'the expiry')
        assert.ok(found['cookie'].expires instanceof Date, 'the cookie of the request has no Date')
      },
    }),
  ),
  storeCheck({
    name: 'a cookie with expires = false has no expiry',
    why: 'express-session README: "set `req.session.cookie.expires` to `false` to enable the cookie to remain for only the duration of the user-agent"',
    async run({ store }) {
      const set = newSession(store, 'sid', { a: 1 })
      set['cookie'].expires = false
      await store.set('sid', set)
      const found = await loaded(store, 'sid')
      assertData(found, { a: 1 })
      assert.equal(expiryOf(found), null)
    },
  }),
  storeCheck({
    name: 'set does not change the session that it is given',
    why: 'express-session index.js hashed the session before it called `set`: a changed one is written again',
    async run({ store }) {
      for (const cookie of [{ maxAge: HOUR }, {}]) {
        const session = newSession(store, 'sid', { a: 1, deep: { b: [1] } }, cookie)
        const [before, keys] = [JSON.stringify(session), Object.keys(session['cookie'])]
        Object.freeze(session['deep'])
        await store.set('sid', session)
        assert.equal(JSON.stringify(session), before)
        assert.deepEqual(Object.keys(session['cookie']), keys)
      }
    },
  }),
  storeCheck({
    name: 'a store shares no object with its callers',
    why: 'common sense: a change that one request has not saved must not be seen by another',
    async run({ store }) {
      const session = newSession(store, 'sid', { deep: { list: [1] } })
      await store.set('sid', session)
      session['deep'].list.push('changed after the set')
      session['late'] = true
      const found = await loaded(store, 'sid')
      assertData(found, { deep: { list: [1] } })
      assert.ok(!('late' in found), 'a key that was added after the set is stored')
      found['deep'].list.push('changed after the get')
      found['cookie'].path = '/changed'
      const again = await store.get('sid')
      assertData(again, { deep: { list: [1] } })
      assert.equal(again!['cookie'].path, '/')
    },
  }),
  ...Object.entries({ ...hostileIds, ...idsThatCoreHashes }).map(([group, ids]) =>
    storeCheck({
      name: `ids are kept apart: ${group}`,
      why: GENID,
      async run({ store }) {
        for (const id of ids) assert.equal(await store.get(id), null, `${shown(id)} is stored before it was set`)
        for (const id of ids) await store.set(id, newSession(store, id, { of: shown(id) }))
        for (const id of ids) assertData(await store.get(id), { of: shown(id) }, `the session of ${shown(id)}`)
        const [first, ...rest] = ids as [string, ...string[]]
        await store.destroy(first)
        assert.equal(await store.get(first), null, `${shown(first)} is stored after it was destroyed`)
        for (const id of rest) assertData(await store.get(id), { of: shown(id) }, `${shown(id)}, after another was destroyed`)
      },
    }),
  ),
]
