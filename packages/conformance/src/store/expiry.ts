import assert from 'node:assert/strict'
import {
  AGE_OF_AN_OPERATION,
  assertData,
  assertSameAge,
  assertSameSecond,
  expiryOf,
  HOUR,
  loaded,
  newSession,
  SHORT_AGE,
  type StoreCheck,
  storeCheck,
} from './helpers.ts'

const EXPIRED = 'express-session memory.js: a session whose `expires <= Date.now()` is missing'
const TOUCH =
  'express-session README, store.touch: "signal to the store the given session is active, potentially resetting the idle timer"'
const REMAINING =
  'express-session README, Cookie.maxAge: "will return the time remaining in milliseconds", from when `req.session.touch()` reset it'
const YEAR = 365 * 24 * HOUR

/** Expiry and touch. */
export const expiryChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'an expired session is missing',
    why: EXPIRED,
    async run({ store, untilExpired }) {
      await store.set('short', newSession(store, 'short', { a: 1 }, { maxAge: SHORT_AGE }))
      await store.set('long', newSession(store, 'long', { a: 2 }))
      await store.set('browser', newSession(store, 'browser', { a: 3 }, {}))
      await untilExpired()
      assert.equal(await store.get('short'), null)
      assertData(await store.get('long'), { a: 2 })
      assertData(await store.get('browser'), { a: 3 })
    },
  }),
  storeCheck({
    name: 'a session that is set when it has expired is missing',
    why: EXPIRED,
    async run({ store, untilExpired }) {
      const ages = [-HOUR, -1, 0]
      for (const maxAge of ages) {
        await store.set(`sid${maxAge}`, newSession(store, `sid${maxAge}`, { a: 1 }))
        await store.set(`sid${maxAge}`, newSession(store, `sid${maxAge}`, { a: 2 }, { maxAge }))
      }
      assert.equal(await store.get(`sid${-HOUR}`), null, 'it expired an hour ago')
      await untilExpired()
      for (const maxAge of ages) assert.equal(await store.get(`sid${maxAge}`), null, `with maxAge ${maxAge}`)
    },
  }),
  storeCheck({
    name: 'maxAge may be longer than 32 bits of milliseconds, or of seconds',
    why: 'express-session README, cookie.maxAge: "the `number` (in milliseconds) to use when calculating the `Expires`"',
    async run({ store }) {
      for (const maxAge of [2 ** 31 + 1_000, YEAR, 10 * YEAR, 150 * YEAR]) {
        const session = newSession(store, 'sid', { maxAge }, { maxAge })
        const expires = expiryOf(session)!
        await store.set('sid', session)
        const found = await store.get('sid')
        assertData(found, { maxAge })
        assertSameSecond(expiryOf(found), expires, `the expiry with maxAge ${maxAge}`)
      }
    },
  }),
  storeCheck({
    name: 'a session can be set again after it has expired',
    why: 'express-session README, store.set: "upsert a session into the store"',
    async run({ store, untilExpired }) {
      await store.set('sid', newSession(store, 'sid', { a: 1 }, { maxAge: SHORT_AGE }))
      await untilExpired()
      await store.set('sid', newSession(store, 'sid', { a: 2 }))
      assertData(await store.get('sid'), { a: 2 })
    },
  }),
  storeCheck({
    name: 'a session that is set again is kept beyond its old expiry',
    why: 'express-session README, store.set: "upsert a session into the store"',
    async run({ store, untilExpired }) {
      await store.set('sid', newSession(store, 'sid', { a: 1 }, { maxAge: SHORT_AGE }))
      await store.set('sid', newSession(store, 'sid', { a: 2 }, { maxAge: HOUR }))
      await store.set('browser', newSession(store, 'browser', { a: 1 }, { maxAge: SHORT_AGE }))
      await store.set('browser', newSession(store, 'browser', { a: 3 }, {}))
      await untilExpired()
      assertData(await store.get('sid'), { a: 2 })
      assertData(await store.get('browser'), { a: 3 })
    },
  }),
  storeCheck({
    name: 'touch changes the expiry that get returns',
    why: REMAINING,
    needs: ['touch'],
    async run({ store }) {
      await store.set('sid', newSession(store, 'sid', { a: 1 }))
      for (const maxAge of [3 * HOUR, HOUR / 2]) {
        const session = await loaded(store, 'sid')
        session['cookie'].maxAge = maxAge
        const expires = expiryOf(session)!
        await store.touch('sid', session)
        assertSameSecond(expiryOf(await store.get('sid')), expires, 'the expiry')
      }
    },
  }),
  storeCheck({
    name: 'a touched session is kept beyond its old expiry',
    why: TOUCH,
    needs: ['touch'],
    async run({ store, untilExpired }) {
      const start = Date.now()
      await store.set('sid', newSession(store, 'sid', { a: 1 }, { maxAge: AGE_OF_AN_OPERATION }))
      const session = newSession(store, 'sid', { a: 1 }, { maxAge: HOUR })
      await store.touch('sid', session)
      // A slow database may have let it expire before the touch: then this check cannot decide.
      if (Date.now() - start >= AGE_OF_AN_OPERATION) return
      await untilExpired(AGE_OF_AN_OPERATION)
      assertData(await store.get('sid'), { a: 1 })
    },
  }),
  storeCheck({
    name: 'touch leaves the data as they are',
    why: 'common sense: the session that `touch` is given may be older than what another request has stored since',
    needs: ['touch'],
    async run({ store }) {
      await store.set('sid', newSession(store, 'sid', { value: 'old', removed: true }))
      const old = await loaded(store, 'sid')
      await store.set('sid', newSession(store, 'sid', { value: 'new' }))
      old['cookie'].maxAge = 2 * HOUR
      await store.touch('sid', old)
      const found = await store.get('sid')
      assertData(found, { value: 'new' })
      assert.ok(!('removed' in found!), 'a key that was removed is stored again')
      await store.touch('sid', newSession(store, 'sid', { value: 'of a session object that was never loaded' }))
      assertData(await store.get('sid'), { value: 'new' })
    },
  }),
  storeCheck({
    name: 'touch stores a changed cookie',
    why: 'express-session index.js: its hash leaves the cookie out, so that it calls `touch` for a change of the cookie alone',
    needs: ['touch'],
    async run({ store }) {
      await store.set('sid', newSession(store, 'sid', { a: 1 }))
      const session = await loaded(store, 'sid')
      session['cookie'].maxAge = 5 * HOUR
      session['cookie'].sameSite = 'strict'
      await store.touch('sid', session)
      const { cookie } = await loaded(store, 'sid')
      assertSameAge(cookie.originalMaxAge, 5 * HOUR)
      assert.equal(cookie.sameSite, 'strict')
    },
  }),
  storeCheck({
    name: 'touch of a missing session stores nothing, and is no error',
    why: 'common sense: if the session has ended meanwhile, the request that touches it is not at fault',
    needs: ['touch'],
    async run({ store }) {
      await store.touch('missing', newSession(store, 'missing', { a: 1 }))
      assert.equal(await store.get('missing'), null)
      await store.set('sid', newSession(store, 'sid', { a: 1 }))
      const session = await loaded(store, 'sid')
      await store.destroy('sid')
      await store.touch('sid', session)
      assert.equal(await store.get('sid'), null, 'a destroyed session is stored again')
    },
  }),
  storeCheck({
    name: 'touch leaves an expired session expired',
    why: EXPIRED,
    needs: ['touch'],
    async run({ store, untilExpired }) {
      await store.set('sid', newSession(store, 'sid', { a: 1 }, { maxAge: SHORT_AGE }))
      await untilExpired()
      await store.touch('sid', newSession(store, 'sid', { a: 1 }))
      assert.equal(await store.get('sid'), null)
    },
  }),
]
