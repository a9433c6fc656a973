import assert from 'node:assert/strict'
import { extend } from 'connect-databank/backend'
import type { SessionRequest } from '../app.ts'
import { Skipped } from '../check.ts'
import type { Driver, StoredSession } from './any-store.ts'
import { assertData, eventually, loaded, newSession, type StoreCheck, type StoreContext, storeCheck } from './helpers.ts'
import { loggedIn, sendTogether } from './lost-updates.ts'

const CONFLICT =
  'connect-databank README: `conflict` names the keys that both requests changed, and none for a merge without loss'
const UPDATE = 'connect-databank README: `store.update(sid, change)` is an atomic read-modify-write'
const ENDS = 'connect-databank README: every operation ends once, in time, with a coded error or a result'

/** Conflicts, atomic updates, and retries that end. */
export const updateChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'conflict names the session and the keys that both requests changed',
    why: CONFLICT,
    needs: ['update'],
    async run(context) {
      const conflicts = await conflictsOf(context, (name, { session }) => {
        session['both'] = `by ${name}`
        session[name] = true
      })
      assert.deepEqual(conflicts, [['both']])
    },
  }),
  storeCheck({
    name: 'conflict names no key if parallel requests changed different keys',
    why: CONFLICT,
    needs: ['update'],
    async run(context) {
      const conflicts = await conflictsOf(context, (name, { session }) => {
        session[name] = true
      })
      assert.deepEqual(conflicts, [[]])
    },
  }),
  storeCheck({
    name: 'conflict names no key to which both requests gave the same value',
    why: CONFLICT,
    needs: ['update'],
    async run(context) {
      const conflicts = await conflictsOf(context, (name, { session }) => {
        session['both'] = { list: ['the same'] }
        session[name] = true
      })
      assert.deepEqual(conflicts, [[]])
    },
  }),
  storeCheck({
    name: 'conflict is not emitted for requests one after the other',
    why: CONFLICT,
    needs: ['update'],
    async run({ store, app }) {
      const conflicts: unknown[] = []
      store.store.on('conflict', (event) => conflicts.push(event))
      const visitor = await loggedIn(await app(), { count: 0 })
      for (let round = 0; round < 3; round++) {
        await visitor.request(({ session }) => {
          session['count'] = Number(session['count']) + 1
        })
      }
      assert.deepEqual(conflicts, [])
    },
  }),
  storeCheck({
    name: 'update stores the changed session and resolves with it',
    why: UPDATE,
    needs: ['update'],
    async run({ store }) {
      await store.set('sid', newSession(store, 'sid', { count: 1, other: 'kept' }))
      const changed = await update(store, 'sid', (session) => {
        session['count']++
      })
      assertData(changed, { count: 2, other: 'kept' })
      assertData(await store.get('sid'), { count: 2, other: 'kept' })
      const returned = await update(store, 'sid', (session) => ({ ...session, count: 10 }))
      assertData(returned, { count: 10, other: 'kept' })
      assertData(await store.get('sid'), { count: 10, other: 'kept' })
    },
  }),
  storeCheck({
    name: 'update of a missing session resolves with null, and stores nothing',
    why: UPDATE,
    needs: ['update'],
    async run({ store }) {
      let calls = 0
      const result = await update(store, 'missing', () => {
        calls++
      })
      assert.equal(result, null)
      assert.equal(calls, 0)
      assert.equal(await store.get('missing'), null)
    },
  }),
  storeCheck({
    name: '100 parallel increments by update give 100',
    why: UPDATE,
    needs: ['update'],
    async run({ store }) {
      await store.set('sid', newSession(store, 'sid', { count: 0 }))
      await increment([store])
      assertData(await store.get('sid'), { count: 100 })
    },
  }),
  storeCheck({
    name: '100 parallel increments by update on two stores give 100',
    why: UPDATE,
    needs: ['update', 'another'],
    async run({ store, another }) {
      await store.set('sid', newSession(store, 'sid', { count: 0 }))
      await increment([store, await another()])
      assertData(await store.get('sid'), { count: 100 })
    },
  }),
  storeCheck({
    name: 'update does not overwrite what a set during it stored',
    why: UPDATE,
    needs: ['update'],
    async run({ store }) {
      await store.set('sid', newSession(store, 'sid', { count: 0 }))
      const session = await loaded(store, 'sid')
      session['other'] = 'set during the update'
      let setting: Promise<void> | undefined
      await update(store, 'sid', (current) => {
        current['count']++
        setting ??= store.set('sid', session)
      })
      await setting
      assertData(await store.get('sid'), { count: 1, other: 'set during the update' })
    },
  }),
  storeCheck({
    name: 'set ends in time with a coded error if the bank never swaps, and does not block the event loop',
    why: ENDS,
    needs: ['configured', 'update'],
    run: (context) => endsInTime(context, (store, session) => store.set('sid', session)),
  }),
  storeCheck({
    name: 'update ends in time with a coded error if the bank never swaps, and does not block the event loop',
    why: ENDS,
    needs: ['configured', 'update'],
    run: (context) =>
      endsInTime(context, (store) =>
        update(store, 'sid', (session) => {
          session['count'] = 7
        }),
      ),
  }),
]

function update(
  { store }: Driver,
  sid: string,
  change: (session: StoredSession) => StoredSession | undefined | void,
): Promise<StoredSession | null> {
  return store.update!(sid, change)
}

async function increment(stores: readonly Driver[]): Promise<void> {
  const updates = Array.from({ length: 100 }, (_, index) =>
    update(stores[index % stores.length]!, 'sid', (session) => {
      session['count']++
    }),
  )
  await Promise.all(updates)
}

/** The keys of each `conflict` that the store emits while two parallel requests change one session. */
async function conflictsOf(
  { store, app }: StoreContext,
  change: (name: string, req: SessionRequest) => void,
): Promise<readonly (readonly string[])[]> {
  const conflicts: { sid: string; keys: readonly string[] }[] = []
  store.store.on('conflict', (event) => conflicts.push(event))
  const visitor = await loggedIn(await app(), { user: 'in8uy4' })
  const sid = await visitor.request(({ sessionID }) => sessionID)
  await sendTogether(visitor, ['first', 'second'], ['first', 'second'], change)
  await new Promise((resolve) => setImmediate(resolve))
  for (const conflict of conflicts) assert.equal(conflict.sid, sid)
  return conflicts.map(({ keys }) => keys)
}

const TIMEOUT = 300

/** Fails unless a write ends with a coded error, about as soon as the store's `timeout` says, on a bank that never swaps. */
async function endsInTime(
  { store, configured }: StoreContext,
  write: (store: Driver, session: StoredSession) => Promise<unknown>,
): Promise<void> {
  let swaps = 0
  const neverSwapping = await configured({ timeout: TIMEOUT }, (bank) =>
    extend(bank, {
      ...(bank.swap && {
        swap: async () => {
          swaps++
          return null
        },
      }),
    }),
  )
  await store.set('sid', newSession(store, 'sid', { count: 0 }))
  // To connect may take longer than the time-out.
  await eventually(async () => (await neverSwapping.get('sid').catch(() => null)) !== null)
  const session = await loaded(neverSwapping, 'sid')
  session['count'] = 7
  let turns = 0
  const ticking = setInterval(() => turns++, 10)
  const start = Date.now()
  try {
    await write(neverSwapping, session)
    if (swaps === 0) throw new Skipped('the store puts no layer on its bank, or the bank cannot swap')
    assert.fail('the write succeeded')
  } catch (error) {
    if (error instanceof Skipped || error instanceof assert.AssertionError) throw error
    assert.match(String((error as { code?: unknown }).code), /^DATABANK_/, String(error))
  } finally {
    clearInterval(ticking)
  }
  const elapsed = Date.now() - start
  assert.ok(elapsed < TIMEOUT * 4, `it ended after ${elapsed} ms, with a timeout of ${TIMEOUT} ms`)
  assert.ok(turns >= 3, 'the event loop was blocked')
  assertData(await store.get('sid'), { count: 0 })
}
