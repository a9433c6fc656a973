import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Driver } from './any-store.ts'
import { BankSpy } from './bank-spy.ts'
import {
  assertData,
  HOUR,
  loaded,
  newSession,
  type StoreCheck,
  type StoreContext,
  type StoreSettings,
  storeCheck,
} from './helpers.ts'
import { loggedIn, sendTogether } from './lost-updates.ts'

const WHY = 'connect-databank README: with `encryption`, the database holds neither data nor owners in plain text'
const KEYS = 'connect-databank README: all keys read, the first one writes'
const CORRUPT = 'connect-databank README: a record that cannot be decrypted is missing, with the event `corrupt`'
const NEEDS = ['configured', 'update'] as const

const newKey = (): Buffer => randomBytes(32)
const encrypted = (...keys: (Buffer | string)[]): StoreSettings => ({ encryption: { keys } })

/** Encryption at rest. */
export const encryptionChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'with encryption, the bank gets neither data nor owners in plain text',
    why: WHY,
    needs: NEEDS,
    async run({ configured }) {
      const spy = new BankSpy()
      const store = await configured({ ...encrypted(newKey()), owner: (session) => session['user'] }, spy.layer)
      await store.set('sid', newSession(store, 'sid', { user: 'ada lovelace', note: 'confidential' }))
      const session = await loaded(store, 'sid')
      session['more'] = 'confidential, too'
      await store.set('sid', session)
      assertData(await store.get('sid'), { user: 'ada lovelace', note: 'confidential', more: 'confidential, too' })
      assert.ok(spy.bank !== undefined && spy.texts.length > 0, 'nothing was stored')
      for (const text of spy.texts) assert.ok(!/lovelace|confidential|cookie/.test(text), `the bank got ${text.slice(0, 80)}`)
    },
  }),
  storeCheck({
    name: 'with encryption, equal sessions are stored as different texts',
    why: 'common sense: equal texts would show which sessions are equal',
    needs: NEEDS,
    async run({ configured }) {
      const spy = new BankSpy()
      const store = await configured(encrypted(newKey()), spy.layer)
      const { expires } = newSession(store, 'any', {})['cookie']
      for (const sid of ['one', 'two']) {
        const session = newSession(store, sid, { a: 1 })
        Object.assign(session['cookie'], { expires, originalMaxAge: HOUR })
        await store.set(sid, session)
      }
      const [one, two] = [await spy.bank.read('one'), await spy.bank.read('two')]
      assert.notEqual(one?.payload, two?.payload)
    },
  }),
  storeCheck({
    name: 'with encryption, parallel requests lose nothing',
    why: WHY,
    needs: NEEDS,
    async run({ configured, app }) {
      const store = await configured(encrypted(newKey()))
      const visitor = await loggedIn(await app({}, store), { user: 'in8uy4' })
      const sid = await visitor.request(({ sessionID }) => sessionID)
      await sendTogether(visitor, ['a', 'b', 'c'], ['b', 'c', 'a'], (name, { session }) => {
        session[name] = name
      })
      assertData(await store.get(sid), { user: 'in8uy4', a: 'a', b: 'b', c: 'c' })
    },
  }),
  storeCheck({
    name: 'with encryption, a loaded session is stored without another read',
    why: 'connect-databank README: compare-and-swap works on the stored version',
    needs: NEEDS,
    async run({ configured }) {
      const spy = new BankSpy()
      const store = await configured(encrypted(newKey()), spy.layer)
      await store.set('sid', newSession(store, 'sid', { a: 1 }))
      const session = await loaded(store, 'sid')
      if (spy.bank.swap === undefined) return
      const { reads } = spy
      for (let round = 2; round < 5; round++) {
        session['a'] = round
        session['cookie'].maxAge = round * HOUR
        await store.set('sid', session)
      }
      assert.equal(spy.reads - reads, 0, 'entries were read')
      assertData(await store.get('sid'), { a: 4 })
    },
  }),
  storeCheck({
    name: 'a record of an older key is read, and stored with the newest key at its next save',
    why: KEYS,
    needs: NEEDS,
    async run({ configured }) {
      const [old, latest] = [newKey(), newKey()]
      const before = await configured(encrypted(old))
      await before.set('sid', newSession(before, 'sid', { a: 1 }))
      const rotating = await configured(encrypted(latest, old))
      const session = await loaded(rotating, 'sid')
      assertData(session, { a: 1 })
      session['a'] = 2
      await rotating.set('sid', session)
      assertData(await (await configured(encrypted(latest))).get('sid'), { a: 2 })
      assert.equal(await before.get('sid'), null, 'the record was stored with the old key')
    },
  }),
  storeCheck({
    name: 'the sessions of an owner are listed after a rotation of keys',
    why: KEYS,
    needs: [...NEEDS, 'sessionsOf'],
    async run({ configured }) {
      const [old, latest] = [newKey(), newKey()]
      const owner = (session: Record<string, unknown>) => session['user'] as string
      const before = await configured({ ...encrypted(old), owner })
      await before.set('old', newSession(before, 'old', { user: 'ada' }))
      const rotating = await configured({ ...encrypted(latest, old), owner })
      await rotating.set('new', newSession(rotating, 'new', { user: 'ada' }))
      const ids = async () => (await rotating.sessionsOf('ada')).map(([id]) => id).sort()
      assert.deepEqual(await ids(), ['new', 'old'])
      await rotating.set('old', Object.assign(await loaded(rotating, 'old'), { changed: true }))
      assert.deepEqual(await ids(), ['new', 'old'], 'after the session of the old key was stored again')
    },
  }),
  storeCheck({
    name: 'a key may be given as bytes, in base64 or in hexadecimal',
    why: 'connect-databank README: keys are 32 bytes, as a Buffer or as text in base64 or hexadecimal',
    needs: NEEDS,
    async run({ configured }) {
      const key = newKey()
      const store = await configured(encrypted(key))
      await store.set('sid', newSession(store, 'sid', { a: 1 }))
      for (const text of [key.toString('base64'), key.toString('base64url'), key.toString('hex')]) {
        assertData(await (await configured(encrypted(text))).get('sid'), { a: 1 })
      }
    },
  }),
  storeCheck({
    name: 'a key that is not 32 bytes is refused',
    why: 'connect-databank README: keys are 32 bytes, as a Buffer or as text in base64 or hexadecimal',
    needs: NEEDS,
    async run({ configured }) {
      for (const key of [randomBytes(16), randomBytes(33), 'a secret', '', randomBytes(24).toString('base64')]) {
        await assert.rejects(async () => configured(encrypted(key)), { code: 'DATABANK_INVALID_OPTION' }, `${key.length} bytes`)
      }
      await assert.rejects(async () => configured(encrypted()), { code: 'DATABANK_INVALID_OPTION' })
    },
  }),
  storeCheck({
    name: 'a record of an unknown key is missing, with the event corrupt',
    why: CORRUPT,
    needs: NEEDS,
    async run({ configured }) {
      const store = await configured(encrypted(newKey()))
      await store.set('sid', newSession(store, 'sid', { a: 1 }))
      await assertCorrupt(await configured(encrypted(newKey())), 'sid')
    },
  }),
  storeCheck({
    name: 'a record that was changed, or exchanged with another, is missing, with the event corrupt',
    why: CORRUPT,
    needs: NEEDS,
    async run({ configured }) {
      const spy = new BankSpy()
      const store = await configured(encrypted(newKey()), spy.layer)
      for (const sid of ['one', 'two']) await store.set(sid, newSession(store, sid, { sid }))
      const one = (await spy.bank.read('one'))!
      await spy.bank.save('two', one)
      await assertCorrupt(store, 'two')
      const middle = one.payload.length >> 1
      const changed = one.payload[middle] === 'A' ? 'B' : 'A'
      await spy.bank.save('one', { ...one, payload: one.payload.slice(0, middle) + changed + one.payload.slice(middle + 1) })
      await assertCorrupt(store, 'one')
      await spy.bank.save('one', { ...one, payload: one.payload.slice(0, middle) })
      await assertCorrupt(store, 'one')
    },
  }),
  storeCheck({
    name: 'a record in plain text is missing, with the event corrupt',
    why: CORRUPT,
    needs: NEEDS,
    async run(context) {
      await setPlain(context)
      await assertCorrupt(await context.configured(encrypted(newKey())), 'sid')
    },
  }),
  storeCheck({
    name: 'with acceptPlain, a record in plain text is read, and encrypted at its next save',
    why: 'connect-databank README: `acceptPlain` reads the records of before',
    needs: NEEDS,
    async run(context) {
      await setPlain(context)
      const key = newKey()
      const store = await context.configured({ encryption: { keys: [key], acceptPlain: true } })
      const session = await loaded(store, 'sid')
      assertData(session, { a: 1 })
      session['a'] = 2
      await store.set('sid', session)
      assertData(await (await context.configured(encrypted(key))).get('sid'), { a: 2 })
    },
  }),
  storeCheck({
    name: 'a record that cannot be decrypted hides no other session from all',
    why: 'common sense: one bad record must not spoil a list',
    needs: [...NEEDS, 'all'],
    async run({ configured }) {
      const [store, other] = [await configured(encrypted(newKey())), await configured(encrypted(newKey()))]
      await other.set('other', newSession(other, 'other', { of: 'another key' }))
      await store.set('sid', newSession(store, 'sid', { a: 1 }))
      assert.deepEqual(
        (await store.all()).map(({ a }) => a),
        [1],
      )
    },
  }),
]

async function setPlain({ configured }: StoreContext): Promise<void> {
  const plain = await configured({})
  await plain.set('sid', newSession(plain, 'sid', { a: 1 }))
}

async function assertCorrupt(store: Driver, sid: string): Promise<void> {
  const events: { sid: string; reason: string }[] = []
  store.store.on('corrupt', (event) => events.push(event))
  assert.equal(await store.get(sid), null, 'the session was returned')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(events.length, 1, 'there was not exactly one event `corrupt`')
  assert.equal(events[0]!.sid, sid)
  assert.ok(events[0]!.reason, 'the event gives no reason')
}
