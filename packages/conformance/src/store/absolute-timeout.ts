import assert from 'node:assert/strict'
import type { Driver } from './any-store.ts'
import { expiryOf, HOUR, loaded, newSession, type StoreCheck, storeCheck } from './helpers.ts'
import { loggedIn } from './lost-updates.ts'

const WHY =
  'connect-databank README: with `absoluteTimeout`, a session expires that long after it was created, whatever touches and saves do'
const NEEDS = ['configured', 'update'] as const

const ABSOLUTE = 2 * HOUR
const LONGER = { maxAge: 10 * HOUR }

/** The absolute time-out. */
export const absoluteTimeoutChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'no cookie expires later than the absolute time-out after the creation of its session',
    why: WHY,
    needs: NEEDS,
    async run({ configured }) {
      const store = await configured({ absoluteTimeout: ABSOLUTE })
      const latest = await create(store, 'sid')
      await assertExpiresBy(store, 'sid', latest)
      await store.set('shorter', newSession(store, 'shorter', {}, { maxAge: HOUR }))
      const expires = expiryOf(await store.get('shorter'))!
      assert.ok(expires <= Date.now() + HOUR, 'a shorter age was lengthened')
    },
  }),
  ...Object.entries<(store: Driver) => Promise<void>>({
    'a touch': async (store) => {
      const session = await loaded(store, 'sid')
      // As at the end of each request.
      session['cookie'].maxAge = session['cookie'].originalMaxAge
      await store.touch('sid', session)
    },
    'a touch with a longer age': async (store) => {
      const session = await loaded(store, 'sid')
      session['cookie'].maxAge = 100 * HOUR
      await store.touch('sid', session)
    },
    'a set': async (store) => {
      const session = await loaded(store, 'sid')
      session['changed'] = true
      session['cookie'].maxAge = 100 * HOUR
      await store.set('sid', session)
    },
    'a merge': async (store) => {
      const sessions = [await loaded(store, 'sid'), await loaded(store, 'sid')]
      for (const [index, session] of sessions.entries()) {
        session[`changed ${index}`] = true
        session['cookie'].maxAge = (20 + index) * HOUR
        await store.set('sid', session)
      }
    },
    'an update': async (store) => {
      await store.store.update!('sid', (session) => {
        session.changed = true
        session.cookie.originalMaxAge = 100 * HOUR
        session.cookie.expires = new Date(Date.now() + 100 * HOUR).toISOString()
      })
    },
  }).map(([what, change]) =>
    storeCheck({
      name: `the absolute time-out is not extended by ${what}`,
      why: WHY,
      needs: [...NEEDS, 'touch'],
      async run({ configured }) {
        const settings = { absoluteTimeout: ABSOLUTE }
        const [store, another] = [await configured(settings), await configured(settings)]
        const latest = await create(store, 'sid')
        for (const writer of [store, another, store]) {
          // Long enough, so that a restarted time-out would be later.
          await new Promise((resolve) => setTimeout(resolve, 10))
          await change(writer)
          for (const reader of [store, another]) await assertExpiresBy(reader, 'sid', latest)
        }
      },
    }),
  ),
  storeCheck({
    name: 'a session is missing after its absolute time-out, although it was touched',
    why: WHY,
    needs: [...NEEDS, 'touch'],
    async run({ configured }) {
      const timeout = 600
      const store = await configured({ absoluteTimeout: timeout })
      await store.set('sid', newSession(store, 'sid', { a: 1 }, LONGER))
      await store.set('browser', newSession(store, 'browser', { a: 1 }, {}))
      const end = Date.now() + timeout
      while (Date.now() < end) {
        for (const sid of ['sid', 'browser']) {
          const data = await store.get(sid)
          if (data === null) continue
          await store.touch(sid, store.store.createSession({ sessionID: sid, sessionStore: store.store }, data))
        }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
      for (const sid of ['sid', 'browser']) assert.equal(await store.get(sid), null, `${sid} is still there`)
    },
  }),
  storeCheck({
    name: 'regenerate starts a new absolute time-out',
    why: WHY,
    needs: NEEDS,
    async run({ configured, app }) {
      const store = await configured({ absoluteTimeout: ABSOLUTE })
      const visitor = await loggedIn(await app({ cookie: LONGER }, store), { user: 'in8uy4' })
      await new Promise((resolve) => setTimeout(resolve, 20))
      const start = Date.now()
      const sid = await visitor.request(async (req) => {
        await new Promise<void>((resolve, reject) => req.session.regenerate((error) => (error ? reject(error) : resolve())))
        req.session['user'] = 'in8uy4'
        return req.sessionID
      })
      const expires = expiryOf(await store.get(sid))!
      assert.ok(expires >= start + ABSOLUTE, `it expires ${start + ABSOLUTE - expires} ms too early`)
      assert.ok(expires <= Date.now() + ABSOLUTE)
    },
  }),
  storeCheck({
    name: 'a session of before the option `absoluteTimeout` is bounded from its next write',
    why: 'connect-databank README: the time of creation of such a session is not known, and is counted from then',
    needs: [...NEEDS, 'touch'],
    async run({ configured }) {
      const before = await configured({})
      const store = await configured({ absoluteTimeout: ABSOLUTE })
      for (const sid of ['set', 'touched']) await before.set(sid, newSession(before, sid, {}, LONGER))
      await store.set('set', Object.assign(await loaded(store, 'set'), { changed: true }))
      await store.touch('touched', await loaded(store, 'touched'))
      for (const sid of ['set', 'touched']) await assertExpiresBy(store, sid, Date.now() + ABSOLUTE)
    },
  }),
]

/** Stores a session with a longer age. Returns the latest time at which it may expire. */
async function create(store: Driver, sid: string): Promise<number> {
  await store.set(sid, newSession(store, sid, { a: 1 }, LONGER))
  return Date.now() + ABSOLUTE
}

async function assertExpiresBy(store: Driver, sid: string, latest: number): Promise<void> {
  const expires = expiryOf(await store.get(sid))
  assert.ok(expires !== null, 'the cookie has no expiry')
  assert.ok(expires <= latest, `${sid} expires ${expires - latest} ms too late`)
}
