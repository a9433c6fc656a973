import assert from 'node:assert/strict'
import { BankSpy } from './bank-spy.ts'
import { assertData, loaded, newSession, type StoreCheck, storeCheck } from './helpers.ts'
import { loggedIn } from './lost-updates.ts'

const WHY =
  'connect-databank README: with `hashIds`, the database holds the SHA-256 of a session id, and a copy of it no usable id'
const PLAIN = 'connect-databank README: `hashIds: { acceptPlain: true }` reads the records of before'
const NEEDS = ['configured', 'update'] as const

/** Ids at rest. */
export const hashedIdChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'with hashIds, the bank gets no session id',
    why: WHY,
    needs: [...NEEDS, 'touch'],
    async run({ configured }) {
      const spy = new BankSpy()
      const store = await configured({ hashIds: true }, spy.layer)
      await store.set('the session id', newSession(store, 'the session id', { a: 1 }))
      const session = await loaded(store, 'the session id')
      await store.touch('the session id', session)
      session['a'] = 2
      await store.set('the session id', session)
      assertData(await store.get('the session id'), { a: 2 })
      await store.destroy('the session id')
      assert.equal(await store.get('the session id'), null)
      assert.ok(spy.bank !== undefined)
      assert.deepEqual([...spy.ids].length, 1, 'the session has several ids')
      for (const text of [...spy.ids, ...spy.texts]) assert.ok(!text.includes('the session id'), `the bank got ${text}`)
    },
  }),
  storeCheck({
    name: 'with hashIds, a listed id ends its session by destroyById, and opens none by get',
    why: WHY,
    needs: [...NEEDS, 'all', 'sessionsOf', 'destroyById'],
    async run({ configured }) {
      const store = await configured({ hashIds: true, owner: (session) => session['user'] })
      await store.set('sid', newSession(store, 'sid', { user: 'ada' }))
      const [session] = (await store.all()) as [Record<string, unknown>]
      const id = session['id'] as string
      assert.notEqual(id, 'sid')
      assert.deepEqual(
        [...(await store.entries()), ...(await store.sessionsOf('ada'))].map(([listed]) => listed),
        [id, id],
      )
      assert.equal(await store.get(id), null, 'the stored id opens the session')
      assert.equal(await store.destroyById(id), true)
      assert.equal(await store.get('sid'), null)
    },
  }),
  storeCheck({
    name: 'with hashIds, destroySessionsOf keeps the session whose id `except` names',
    why: WHY,
    needs: [...NEEDS, 'destroySessionsOf', 'sessionsOf'],
    async run({ configured }) {
      const store = await configured({ hashIds: true, owner: (session) => session['user'] })
      for (const sid of ['one', 'two']) await store.set(sid, newSession(store, sid, { user: 'ada' }))
      // Skipped if the store cannot list sessions.
      await store.sessionsOf('ada')
      assert.equal(await store.destroySessionsOf('ada', { except: 'one' }), 1)
      assertData(await store.get('one'), { user: 'ada' })
      assert.equal(await store.get('two'), null)
    },
  }),
  storeCheck({
    name: 'with hashIds, a session of before is missing, unless acceptPlain is set',
    why: PLAIN,
    needs: NEEDS,
    async run({ configured }) {
      const before = await configured({})
      await before.set('sid', newSession(before, 'sid', { a: 1 }))
      assert.equal(await (await configured({ hashIds: true })).get('sid'), null)
      assertData(await (await configured({ hashIds: { acceptPlain: true } })).get('sid'), { a: 1 })
    },
  }),
  storeCheck({
    name: 'with acceptPlain, a session of before is stored under its hash after its next save, and under its id no more',
    why: PLAIN,
    needs: NEEDS,
    async run({ configured }) {
      const [before, moving, hashed] = [
        await configured({}),
        await configured({ hashIds: { acceptPlain: true } }),
        await configured({ hashIds: true }),
      ]
      await before.set('sid', newSession(before, 'sid', { a: 1 }))
      const session = await loaded(moving, 'sid')
      session['a'] = 2
      await moving.set('sid', session)
      assertData(await hashed.get('sid'), { a: 2 })
      assert.equal(await before.get('sid'), null, 'the session is stored under its id, too')
      assertData(await moving.get('sid'), { a: 2 })
    },
  }),
  storeCheck({
    name: 'with acceptPlain, destroy ends a session of before, and no pending request stores it again',
    why: PLAIN,
    needs: NEEDS,
    async run({ configured }) {
      const [before, moving] = [await configured({}), await configured({ hashIds: { acceptPlain: true } })]
      await before.set('sid', newSession(before, 'sid', { a: 1 }))
      await moving.destroy('sid')
      assert.equal(await moving.get('sid'), null)
      assert.equal(await before.get('sid'), null)
      await before.set('sid', newSession(before, 'sid', { a: 1 }))
      const session = await loaded(moving, 'sid')
      session['late'] = true
      await moving.destroy('sid')
      await moving.set('sid', session)
      assert.equal(await moving.get('sid'), null, 'a late set stored it again')
      assert.equal(await before.get('sid'), null, 'a late set stored it again, under its id')
    },
  }),
  storeCheck({
    name: 'with hashIds, requests find their sessions again, and lose none by a logout elsewhere',
    why: WHY,
    needs: NEEDS,
    async run({ configured, app }) {
      const store = await configured({ hashIds: true })
      const listening = await app({}, store)
      const [one, two] = [await loggedIn(listening, { user: 'one' }), await loggedIn(listening, { user: 'two' })]
      await one.request((req) => new Promise<void>((resolve) => req.session.destroy(() => resolve())))
      assert.equal(await one.request(({ session }) => session['user']), undefined)
      assert.equal(await two.request(({ session }) => session['user']), 'two')
    },
  }),
]
