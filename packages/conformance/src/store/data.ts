import assert from 'node:assert/strict'
import { hostileIds } from '../ids.ts'
import { assertData, assertSameSecond, dataOf, deathOf, HOUR, live, loaded, type StoreCheck, storeCheck } from './kit.ts'

const GET = 'express-session README, store.get: "The `session` argument should be a session if found"'
const SET = 'express-session README, store.set: "upsert a session into the store"'
const JSON_SOURCE = 'express-session README, req.session: "(generally) serialized as JSON by the store"'
const GENID = 'express-session README, genid: "Provide a function that returns a string that will be used as a session ID."'

const COOKIES = {
  'a lifetime': { maxAge: HOUR },
  'other attributes': {
    maxAge: 2 * HOUR,
    path: '/app',
    domain: 'example.org',
    httpOnly: false,
    secure: true,
    sameSite: 'lax',
    priority: 'high',
  },
  'none of its own': {},
} as const

/** What is stored, and under which ids. */
export const dataChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'get of what is not there is null or undefined, and no error',
    why: 'express-session README, store.get: "otherwise `null` or `undefined` if the session was not found"',
    async run({ store }) {
      assert.equal(await store.get('missing'), null)
    },
  }),
  storeCheck({
    name: 'get gives what was set',
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
      await store.set('one', live(store.store, 'one', data))
      await store.set('two', live(store.store, 'two', { user: 'another' }))
      assertData(await store.get('one'), data)
      assertData(await store.get('two'), { user: 'another' })
    },
  }),
  storeCheck({
    name: 'get adds nothing to the data',
    why: 'plain sense: the keys of a session are the application’s',
    async run({ store }) {
      await store.set('sid', live(store.store, 'sid', { a: 1 }))
      assert.deepEqual(dataOf(await store.get('sid')), { a: 1 })
    },
  }),
  storeCheck({
    name: 'set replaces the whole session',
    why: SET,
    async run({ store }) {
      await store.set('sid', live(store.store, 'sid', { a: 1, gone: true, list: [1, 2, 3] }))
      await store.set('sid', live(store.store, 'sid', { a: 2, list: [1] }))
      const found = await store.get('sid')
      assertData(found, { a: 2, list: [1] })
      assert.ok(!('gone' in found!), 'a key that was removed is still there')
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
      await store.set('sid', live(store.store, 'sid', data))
      assertData(await store.get('sid'), data)
    },
  }),
  storeCheck({
    name: 'any text of JavaScript is kept, NUL and lone surrogates too',
    why: JSON_SOURCE,
    async run({ store }) {
      const data = { nul: 'a\0b', high: 'a\ud800', low: '\udfffb' }
      await store.set('sid', live(store.store, 'sid', data))
      assertData(await store.get('sid'), data)
    },
  }),
  storeCheck({
    name: 'any key is the application’s',
    why: 'plain sense: the keys of a session are the application’s',
    async run({ store }) {
      const names = [
        'sid',
        '_id',
        'expires',
        'session',
        'data',
        'lastModified',
        'a.b',
        '$set',
        '$',
        '',
        ' ',
        'length',
        '0',
        'then',
      ]
      const data = Object.fromEntries(names.map((name) => [name, `of ${name}`]))
      await store.set('sid', live(store.store, 'sid', data))
      assertData(await store.get('sid'), data)
    },
  }),
  storeCheck({
    name: 'a session may have 500 kB',
    why: 'plain sense: applications put lists into sessions, and losing one is no answer',
    async run({ store }) {
      const data = { list: Array.from({ length: 5_000 }, (_, index) => ({ index, text: 'é'.repeat(40) })) }
      await store.set('sid', live(store.store, 'sid', data))
      assertData(await store.get('sid'), data)
    },
  }),
  ...Object.entries(COOKIES).map(([what, settings]) =>
    storeCheck({
      name: `the cookie is kept: ${what}`,
      why: 'express-session store.js makes the request’s cookie of what `get` gives, `originalMaxAge` and `expires` included',
      async run({ store }) {
        const set = live(store.store, 'sid', { a: 1 }, settings)
        const expected = JSON.parse(JSON.stringify(set['cookie']))
        await store.set('sid', set)
        const found = await loaded(store, 'sid')
        const { expires, ...cookie } = JSON.parse(JSON.stringify(found['cookie']))
        const { expires: death, ...rest } = expected
        assert.deepEqual(cookie, rest)
        if (death === null) assert.ok(expires === null || expires === false || expires === undefined, 'a death appeared')
        else assertSameSecond(new Date(expires).getTime(), new Date(death).getTime(), 'the death')
        if (death !== null) assert.ok(found['cookie'].expires instanceof Date, 'the request would get no Date')
      },
    }),
  ),
  storeCheck({
    name: 'a cookie with expires = false is one for as long as the browser runs',
    why: 'express-session README: "set `req.session.cookie.expires` to `false` to enable the cookie to remain for only the duration of the user-agent"',
    async run({ store }) {
      const set = live(store.store, 'sid', { a: 1 })
      set['cookie'].expires = false
      await store.set('sid', set)
      const found = await loaded(store, 'sid')
      assertData(found, { a: 1 })
      assert.equal(deathOf(found), null)
    },
  }),
  storeCheck({
    name: 'set does not change the session it is given',
    why: 'express-session index.js hashed the session before it called `set`: a changed one is written again',
    async run({ store }) {
      for (const cookie of [{ maxAge: HOUR }, {}]) {
        const session = live(store.store, 'sid', { a: 1, deep: { b: [1] } }, cookie)
        const [before, keys] = [JSON.stringify(session), Object.keys(session['cookie'])]
        Object.freeze(session['deep'])
        await store.set('sid', session)
        assert.equal(JSON.stringify(session), before)
        assert.deepEqual(Object.keys(session['cookie']), keys)
      }
    },
  }),
  storeCheck({
    name: 'what was set belongs to the store alone',
    why: 'plain sense: an unsaved change of one request is nobody else’s',
    async run({ store }) {
      const session = live(store.store, 'sid', { deep: { list: [1] } })
      await store.set('sid', session)
      session['deep'].list.push('changed by the one who set')
      session['late'] = true
      const found = await loaded(store, 'sid')
      assertData(found, { deep: { list: [1] } })
      assert.ok(!('late' in found), 'a key that was added later is there')
      found['deep'].list.push('changed by the one who got')
      found['cookie'].path = '/changed'
      const again = await store.get('sid')
      assertData(again, { deep: { list: [1] } })
      assert.equal(again!['cookie'].path, '/')
    },
  }),
  ...Object.entries(hostileIds).map(([group, ids]) =>
    storeCheck({
      name: `ids are kept apart: ${group}`,
      why: GENID,
      async run({ store }) {
        for (const id of ids) assert.equal(await store.get(id), null, `${shown(id)} was there before it was set`)
        for (const id of ids) await store.set(id, live(store.store, id, { of: shown(id) }))
        for (const id of ids) assertData(await store.get(id), { of: shown(id) }, `the session of ${shown(id)}`)
        await store.destroy(ids[0]!)
        assert.equal(await store.get(ids[0]!), null, `${shown(ids[0]!)} was destroyed`)
        for (const id of ids.slice(1))
          assertData(await store.get(id), { of: shown(id) }, `${shown(id)}, after another was destroyed`)
      },
    }),
  ),
]

function shown(id: string): string {
  const text = JSON.stringify(id)
  return text.length <= 80 ? text : `${text.slice(0, 3)}…(${id.length})…${text.slice(-3)}`
}
