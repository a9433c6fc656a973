import assert from 'node:assert/strict'
import {
  afterDeath,
  assertData,
  assertSameLifetime,
  assertSameSecond,
  BRIEFLY,
  deathOf,
  HOUR,
  live,
  loaded,
  type StoreCheck,
  storeCheck,
} from './kit.ts'

const EXPIRED = 'express-session memory.js, the model store: a session whose `expires <= Date.now()` is missing'
const TOUCH =
  'express-session README, store.touch: "signal to the store the given session is active, potentially resetting the idle timer"'
const REMAINING =
  'express-session README, Cookie.maxAge: "will return the time remaining in milliseconds", from when `req.session.touch()` reset it'
const YEAR = 365 * 24 * HOUR

/** Expiry and touch. */
export const lifeChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'an expired session is missing',
    why: EXPIRED,
    async run({ store }) {
      await store.set('brief', live(store.store, 'brief', { a: 1 }, { maxAge: BRIEFLY }))
      await store.set('long', live(store.store, 'long', { a: 2 }))
      await store.set('browser', live(store.store, 'browser', { a: 3 }, {}))
      await afterDeath()
      assert.equal(await store.get('brief'), null)
      assertData(await store.get('long'), { a: 2 })
      assertData(await store.get('browser'), { a: 3 })
    },
  }),
  storeCheck({
    name: 'a session that is set when it has expired is missing',
    why: EXPIRED,
    async run({ store }) {
      const lifetimes = [-HOUR, -1, 0]
      for (const maxAge of lifetimes) {
        await store.set(`sid${maxAge}`, live(store.store, `sid${maxAge}`, { a: 1 }))
        await store.set(`sid${maxAge}`, live(store.store, `sid${maxAge}`, { a: 2 }, { maxAge }))
      }
      assert.equal(await store.get(`sid${-HOUR}`), null, 'it expired an hour ago')
      await afterDeath()
      for (const maxAge of lifetimes) assert.equal(await store.get(`sid${maxAge}`), null, `with maxAge ${maxAge}`)
    },
  }),
  storeCheck({
    name: 'a lifetime may be longer than 32 bits of milliseconds, or of seconds',
    why: 'express-session README, cookie.maxAge: "the `number` (in milliseconds) to use when calculating the `Expires`"',
    async run({ store }) {
      for (const maxAge of [2 ** 31 + 1_000, YEAR, 10 * YEAR, 150 * YEAR]) {
        const session = live(store.store, 'sid', { maxAge }, { maxAge })
        const death = deathOf(session)!
        await store.set('sid', session)
        const found = await store.get('sid')
        assertData(found, { maxAge })
        assertSameSecond(deathOf(found), death, `the death with maxAge ${maxAge}`)
      }
    },
  }),
  storeCheck({
    name: 'a session can be set again after it has expired',
    why: 'express-session README, store.set: "upsert a session into the store"',
    async run({ store }) {
      await store.set('sid', live(store.store, 'sid', { a: 1 }, { maxAge: BRIEFLY }))
      await afterDeath()
      await store.set('sid', live(store.store, 'sid', { a: 2 }))
      assertData(await store.get('sid'), { a: 2 })
    },
  }),
  storeCheck({
    name: 'a session that is set again outlives its old death',
    why: 'express-session README, store.set: "upsert a session into the store"',
    async run({ store }) {
      await store.set('sid', live(store.store, 'sid', { a: 1 }, { maxAge: BRIEFLY }))
      await store.set('sid', live(store.store, 'sid', { a: 2 }, { maxAge: HOUR }))
      await store.set('browser', live(store.store, 'browser', { a: 1 }, { maxAge: BRIEFLY }))
      await store.set('browser', live(store.store, 'browser', { a: 3 }, {}))
      await afterDeath()
      assertData(await store.get('sid'), { a: 2 })
      assertData(await store.get('browser'), { a: 3 })
    },
  }),
  storeCheck({
    name: 'touch moves the death that get tells',
    why: REMAINING,
    needs: ['touch'],
    async run({ store }) {
      await store.set('sid', live(store.store, 'sid', { a: 1 }))
      for (const maxAge of [3 * HOUR, HOUR / 2]) {
        const session = await loaded(store, 'sid')
        session['cookie'].maxAge = maxAge
        const death = deathOf(session)!
        await store.touch('sid', session)
        assertSameSecond(deathOf(await store.get('sid')), death, 'the death')
      }
    },
  }),
  storeCheck({
    name: 'a session that is touched outlives its old death',
    why: TOUCH,
    needs: ['touch'],
    async run({ store }) {
      const start = Date.now()
      await store.set('sid', live(store.store, 'sid', { a: 1 }, { maxAge: 700 }))
      const session = live(store.store, 'sid', { a: 1 }, { maxAge: HOUR })
      await store.touch('sid', session)
      // A slow backend may have let it die before the touch came: then this check can't say anything.
      if (Date.now() - start >= 700) return
      await afterDeath()
      assertData(await store.get('sid'), { a: 1 })
    },
  }),
  storeCheck({
    name: 'touch leaves the data alone',
    why: 'plain sense: the session that `touch` is given may be older than what another request has stored since',
    needs: ['touch'],
    async run({ store }) {
      await store.set('sid', live(store.store, 'sid', { value: 'old', gone: true }))
      const old = await loaded(store, 'sid')
      await store.set('sid', live(store.store, 'sid', { value: 'new' }))
      old['cookie'].maxAge = 2 * HOUR
      await store.touch('sid', old)
      const found = await store.get('sid')
      assertData(found, { value: 'new' })
      assert.ok(!('gone' in found!), 'a key that was removed is there again')
      await store.touch('sid', live(store.store, 'sid', { value: 'of a session object that was never loaded' }))
      assertData(await store.get('sid'), { value: 'new' })
    },
  }),
  storeCheck({
    name: 'touch keeps a changed cookie',
    why: 'express-session index.js: its hash leaves the cookie out, so that a change of the cookie alone comes by `touch`',
    needs: ['touch'],
    async run({ store }) {
      await store.set('sid', live(store.store, 'sid', { a: 1 }))
      const session = await loaded(store, 'sid')
      session['cookie'].maxAge = 5 * HOUR
      session['cookie'].sameSite = 'strict'
      await store.touch('sid', session)
      const { cookie } = await loaded(store, 'sid')
      assertSameLifetime(cookie.originalMaxAge, 5 * HOUR)
      assert.equal(cookie.sameSite, 'strict')
    },
  }),
  storeCheck({
    name: 'touch of what is not there makes nothing, and is no error',
    why: 'plain sense: a session that ended meanwhile is no fault of the request that touches it',
    needs: ['touch'],
    async run({ store }) {
      await store.touch('missing', live(store.store, 'missing', { a: 1 }))
      assert.equal(await store.get('missing'), null)
      await store.set('sid', live(store.store, 'sid', { a: 1 }))
      const session = await loaded(store, 'sid')
      await store.destroy('sid')
      await store.touch('sid', session)
      assert.equal(await store.get('sid'), null, 'a destroyed session came back')
    },
  }),
  storeCheck({
    name: 'touch does not revive an expired session',
    why: EXPIRED,
    needs: ['touch'],
    async run({ store }) {
      await store.set('sid', live(store.store, 'sid', { a: 1 }, { maxAge: BRIEFLY }))
      await afterDeath()
      await store.touch('sid', live(store.store, 'sid', { a: 1 }))
      assert.equal(await store.get('sid'), null)
    },
  }),
]
