import assert from 'node:assert/strict'
import { extend, type Layer } from 'connect-databank/backend'
import { shown } from '../bank/helpers.ts'
import { hostileOwners } from '../bank/owners.ts'
import { deferred, Gate } from '../gate.ts'
import type { Driver, StoredSession } from './any-store.ts'
import {
  AGE_OF_AN_OPERATION,
  assertData,
  HOUR,
  loaded,
  newSession,
  orders,
  SHORT_AGE,
  type StoreCheck,
  type StoreSettings,
  storeCheck,
} from './helpers.ts'
import { loggedIn, sendTogether } from './lost-updates.ts'

const LISTS =
  'connect-databank README: `sessionsOf(owner)` lists the live sessions of an owner, from the moment that `set` has called back'
const ENDS = 'connect-databank README: `destroySessionsOf(owner, { except })` ends all sessions of an owner that are stored'
const OLD =
  'connect-databank README: sessions of before the option `owner` are found after their next write, or by `reindexOwners()`'
const MAX = 'connect-databank README: `maxSessionsPerOwner` ends the oldest sessions when one more is saved'
const KEEPS = 'connect-databank README: an instance without the option `owner` keeps the owner that is stored'
const NEEDS = ['configured', 'sessionsOf'] as const

const OWNER: StoreSettings = { owner: (session) => session['user'] }

/** The sessions of an owner. */
export const ownerChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'sessionsOf lists the sessions of an owner, and no others',
    why: LISTS,
    needs: NEEDS,
    async run({ configured }) {
      const store = await configured(OWNER)
      assert.deepEqual(await store.sessionsOf('ada'), [])
      await set(store, 'first', { user: 'ada', n: 1 })
      await set(store, 'of bob', { user: 'bob' })
      await set(store, 'of nobody', {})
      await set(store, 'second', { user: 'ada', n: 2 })
      const found = (await store.sessionsOf('ada')).map(([id, session]) => [id, session['n'], session['cookie'].path]).sort()
      assert.deepEqual(found, [
        ['first', 1, '/'],
        ['second', 2, '/'],
      ])
      assert.deepEqual(await idsOf(store, 'bob'), ['of bob'])
    },
  }),
  storeCheck({
    name: 'a session moves to its new owner with the set that changes it',
    why: LISTS,
    needs: NEEDS,
    async run({ configured }) {
      const store = await configured(OWNER)
      await set(store, 'sid', {})
      for (const user of ['ada', 'bob', undefined, 'ada']) {
        const session = await loaded(store, 'sid')
        session['user'] = user
        await store.set('sid', session)
        assert.deepEqual(await idsOf(store, 'ada'), user === 'ada' ? ['sid'] : [], `the owner is ${user}`)
        assert.deepEqual(await idsOf(store, 'bob'), user === 'bob' ? ['sid'] : [], `the owner is ${user}`)
      }
    },
  }),
  storeCheck({
    name: 'a session stays with its owner when parallel requests are merged',
    why: LISTS,
    needs: NEEDS,
    async run({ configured, app }) {
      const store = await configured(OWNER)
      const listening = await app({}, store)
      for (const order of orders(['login', 'other'])) {
        const visitor = await loggedIn(listening, { user: 'bob' })
        const sid = await visitor.request(({ sessionID }) => sessionID)
        await sendTogether(visitor, ['login', 'other'], order, (name, { session }) => {
          if (name === 'login') session['user'] = 'ada'
          else session['cart'] = [1]
        })
        assert.deepEqual(await idsOf(store, 'ada'), [sid], `ended as ${order}`)
        assert.deepEqual(await idsOf(store, 'bob'), [], `ended as ${order}`)
        await store.destroy(sid)
      }
    },
  }),
  storeCheck({
    name: 'sessionsOf lists no expired and no destroyed session',
    why: LISTS,
    needs: NEEDS,
    async run({ configured, untilExpired }) {
      const store = await configured(OWNER)
      for (const sid of ['live', 'destroyed']) await set(store, sid, { user: 'ada' })
      await store.set('short', newSession(store, 'short', { user: 'ada' }, { maxAge: SHORT_AGE }))
      await store.destroy('destroyed')
      await untilExpired()
      assert.deepEqual(await idsOf(store, 'ada'), ['live'])
    },
  }),
  storeCheck({
    name: 'sessionsOf lists a touched session beyond its old expiry',
    why: LISTS,
    needs: [...NEEDS, 'touch'],
    async run({ configured, untilExpired }) {
      const store = await configured(OWNER)
      const start = Date.now()
      await store.set('sid', newSession(store, 'sid', { user: 'ada' }, { maxAge: AGE_OF_AN_OPERATION }))
      await store.touch('sid', newSession(store, 'sid', { user: 'ada' }, { maxAge: HOUR }))
      // A slow database may have let it expire before the touch: then this check cannot decide.
      if (Date.now() - start >= AGE_OF_AN_OPERATION) return
      await untilExpired(AGE_OF_AN_OPERATION)
      assert.deepEqual(await idsOf(store, 'ada'), ['sid'])
    },
  }),
  storeCheck({
    name: 'owners are kept apart: prefixes, patterns, cases, normal forms',
    why: 'connect-databank README: an owner is any text of up to 1,024 bytes',
    needs: NEEDS,
    async run({ configured }) {
      const store = await configured(OWNER)
      for (const [index, user] of hostileOwners.entries()) await set(store, `sid-${index}`, { user })
      for (const [index, user] of hostileOwners.entries()) {
        assert.deepEqual(await idsOf(store, user), [`sid-${index}`], `the sessions of ${shown(user)}`)
      }
    },
  }),
  storeCheck({
    name: 'destroySessionsOf ends all sessions of an owner, and resolves with how many',
    why: ENDS,
    needs: [...NEEDS, 'destroySessionsOf'],
    async run({ configured }) {
      const store = await configured(OWNER)
      assert.equal(await store.destroySessionsOf('ada'), 0)
      const sids = Array.from({ length: 150 }, (_, index) => `session-${index}`)
      await Promise.all(sids.map((sid) => set(store, sid, { user: 'ada' })))
      for (const user of ['adam', 'bob']) await set(store, user, { user })
      assert.equal(await store.destroySessionsOf('ada'), sids.length)
      for (const sid of sids) assert.equal(await store.get(sid), null, `${sid} was not ended`)
      for (const user of ['adam', 'bob']) assertData(await store.get(user), { user })
      assert.deepEqual(await idsOf(store, 'ada'), [])
    },
  }),
  storeCheck({
    name: 'destroySessionsOf keeps the session that `except` names',
    why: ENDS,
    needs: [...NEEDS, 'destroySessionsOf'],
    async run({ configured }) {
      const store = await configured(OWNER)
      for (const sid of ['phone', 'laptop', 'tablet']) await set(store, sid, { user: 'ada' })
      assert.equal(await store.destroySessionsOf('ada', { except: 'laptop' }), 2)
      assert.deepEqual(await idsOf(store, 'ada'), ['laptop'])
    },
  }),
  storeCheck({
    name: 'a pending request cannot store a session again that destroySessionsOf has ended',
    why: 'common sense: "log out everywhere" is final, whatever another request is doing',
    needs: [...NEEDS, 'destroySessionsOf'],
    async run({ configured, app }) {
      const store = await configured(OWNER)
      for (const settings of [{ resave: false }, { resave: true, rolling: true }]) {
        const listening = await app(settings, store)
        const visitor = await loggedIn(listening, { user: 'ada' })
        const { cookie } = visitor
        const gate = new Gate()
        const pending = listening.visitor(cookie).request(async ({ session }) => {
          await gate.pass('late')
          session['late'] = true
        })
        await gate.arrived('late')
        assert.equal(await store.destroySessionsOf('ada'), 1)
        gate.release('late')
        await Promise.allSettled([pending])
        const seen = await listening.visitor(cookie).request(({ session }) => [session['user'], session['late']])
        assert.deepEqual(seen, [undefined, undefined], 'the old cookie finds the session again')
        assert.deepEqual(await idsOf(store, 'ada'), [])
      }
    },
  }),
  storeCheck({
    name: 'destroyById ends the session of a listed id, and resolves with whether there was one',
    why: 'connect-databank README: `destroyById(id)` takes an id that `entries()` or `sessionsOf()` gave',
    needs: [...NEEDS, 'destroyById', 'entries'],
    async run({ configured }) {
      const store = await configured(OWNER)
      for (const sid of ['one', 'two', 'three']) await set(store, sid, { user: 'ada', sid })
      const [[id, session]] = (await store.sessionsOf('ada')) as [readonly [string, StoredSession]]
      assert.equal(await store.destroyById(id), true)
      assert.equal(await store.get(session['sid']), null)
      assert.equal(await store.destroyById(id), false)
      for (const [other] of await store.entries()) assert.equal(await store.destroyById(other), true)
      assert.deepEqual(await store.entries(), [])
    },
  }),
  storeCheck({
    name: 'sessions of before the option `owner` are listed after reindexOwners',
    why: OLD,
    needs: [...NEEDS, 'reindexOwners'],
    async run({ configured }) {
      const before = await configured({})
      for (const sid of ['one', 'two']) await set(before, sid, { user: 'ada', sid })
      await set(before, 'of nobody', {})
      const store = await configured(OWNER)
      await store.reindexOwners()
      assert.deepEqual(await idsOf(store, 'ada'), ['one', 'two'])
      for (const sid of ['one', 'two']) assertData(await store.get(sid), { user: 'ada', sid })
    },
  }),
  storeCheck({
    name: 'a session of before the option `owner` is listed after its next set or touch',
    why: OLD,
    needs: [...NEEDS, 'touch'],
    async run({ configured }) {
      const before = await configured({})
      for (const sid of ['set', 'touched']) await set(before, sid, { user: 'ada' })
      const store = await configured(OWNER)
      await store.set('set', await loaded(store, 'set'))
      await store.touch('touched', await loaded(store, 'touched'))
      assert.deepEqual(await idsOf(store, 'ada'), ['set', 'touched'])
    },
  }),
  storeCheck({
    name: 'maxSessionsPerOwner ends the oldest session of the owner when one more is saved',
    why: MAX,
    needs: NEEDS,
    async run({ configured }) {
      const store = await configured({ ...OWNER, maxSessionsPerOwner: 2 })
      await set(store, 'of bob', { user: 'bob' })
      for (const sid of ['first', 'second', 'third']) {
        await set(store, sid, { user: 'ada' })
        await apart()
      }
      assert.deepEqual(await idsOf(store, 'ada'), ['second', 'third'])
      assert.equal(await store.get('first'), null)
      const session = await loaded(store, 'second')
      session['again'] = true
      await store.set('second', session)
      assert.deepEqual(await idsOf(store, 'ada'), ['second', 'third'], 'a second save of one session ended another')
      await set(store, 'login', {})
      const login = await loaded(store, 'login')
      login['user'] = 'ada'
      await store.set('login', login)
      assert.deepEqual(await idsOf(store, 'ada'), ['login', 'third'], 'after the login of a session that had no owner')
      assert.deepEqual(await idsOf(store, 'bob'), ['of bob'])
    },
  }),
  storeCheck({
    name: 'maxSessionsPerOwner leaves the newest session when logins on two stores happen at the same time',
    why: MAX,
    needs: NEEDS,
    async run({ configured }) {
      for (const sids of [
        ['a', 'b'],
        ['b', 'a'],
      ]) {
        const together = endingTogether(sids.length)
        const logins: Promise<void>[] = []
        for (const sid of sids) {
          const store = await configured({ ...OWNER, maxSessionsPerOwner: 1 }, together)
          await apart()
          logins.push(set(store, sid, { user: 'ada' }))
        }
        await Promise.all(logins)
        const store = await configured(OWNER)
        assert.deepEqual(await idsOf(store, 'ada'), sids.slice(-1), `after the logins ${sids}`)
        await store.destroySessionsOf('ada')
      }
    },
  }),
  storeCheck({
    name: 'a store without the option `owner` keeps the stored owner',
    why: KEEPS,
    needs: [...NEEDS, 'touch', 'update'],
    async run({ configured }) {
      const [store, without] = [await configured(OWNER), await configured({})]
      const sids = ['set', 'touched', 'updated']
      for (const sid of sids) await set(store, sid, { user: 'ada' })
      const changed = await loaded(without, 'set')
      await without.set('set', Object.assign(changed, { n: 1 }))
      const touched = await loaded(without, 'touched')
      touched['cookie'].maxAge = 2 * HOUR
      await without.touch('touched', touched)
      await without.store.update!('updated', (session) => void Object.assign(session, { n: 1 }))
      assert.deepEqual(await idsOf(store, 'ada'), sids)
      const login = await loaded(store, 'set')
      await store.set('set', Object.assign(login, { user: 'bob' }))
      await without.set('set', Object.assign(changed, { n: 2 }))
      assert.deepEqual(await idsOf(store, 'ada'), ['touched', 'updated'], 'a merge stored the owner of before')
      assert.deepEqual(await idsOf(store, 'bob'), ['set'])
    },
  }),
  storeCheck({
    name: 'sessionsOf of one store lists what another on the same storage has just set',
    why: 'common sense: the next request may come to another process',
    needs: NEEDS,
    async run({ configured }) {
      const [one, two] = [await configured(OWNER), await configured(OWNER)]
      await set(one, 'sid', { user: 'ada' })
      assert.deepEqual(await idsOf(two, 'ada'), ['sid'])
      const session = await loaded(two, 'sid')
      session['user'] = 'bob'
      await two.set('sid', session)
      assert.deepEqual(await idsOf(one, 'ada'), [])
      assert.deepEqual(await idsOf(one, 'bob'), ['sid'])
      await one.destroy('sid')
      assert.deepEqual(await idsOf(two, 'bob'), [])
    },
  }),
]

/** Sessions of one millisecond are of the same age. */
function apart(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5))
}

/** A layer whose writes end when this many have been stored. */
function endingTogether(count: number): Layer {
  const all = deferred()
  let stored = 0
  const end = async <Result>(writing: Promise<Result>): Promise<Result> => {
    const result = await writing
    if (++stored >= count) all.resolve()
    await all.promise
    return result
  }
  return (bank) =>
    extend(bank, {
      save: (...args) => end(bank.save(...args)),
      ...(bank.swap && { swap: (...args) => end(bank.swap!(...args)) }),
    })
}

async function set(store: Driver, sid: string, data: object): Promise<void> {
  await store.set(sid, newSession(store, sid, data))
}

/** The ids of the listed sessions, sorted. */
async function idsOf(store: Driver, owner: string): Promise<string[]> {
  return (await store.sessionsOf(owner)).map(([id]) => id).sort()
}
