import assert from 'node:assert/strict'
import type { Handler, SessionRequest } from '../app.ts'
import { Skipped } from '../check.ts'
import { Gate } from '../gate.ts'
import type { Driver } from './any-store.ts'
import { type StoreCheck, type StoreContext, storeCheck } from './helpers.ts'
import { loggedIn } from './lost-updates.ts'

const LOGOUT = 'common sense: a logout is final, whatever another tab is doing; express-session README, Session.destroy'

/** What the other request does. */
const LATE: Readonly<Record<string, Handler<void>>> = {
  'changes it': ({ session }) => {
    session['late'] = true
  },
  'changes nothing': () => {},
  'changes its cookie': ({ session }) => {
    session.cookie.maxAge = 7_200_000
  },
  'saves it twice': async ({ session }) => {
    for (const late of [1, 2]) {
      session['late'] = late
      await new Promise<void>((resolve) => session.save(() => resolve()))
    }
  },
}

/** How a session ends. */
const ENDS: Readonly<Record<string, Handler<void>>> = {
  destroyed: (req) => new Promise<void>((resolve, reject) => req.session.destroy((error) => (error ? reject(error) : resolve()))),
  regenerated: (req) =>
    new Promise<void>((resolve, reject) => req.session.regenerate((error) => (error ? reject(error) : resolve()))),
}

/** A session that was destroyed is not stored again. */
export const logoutChecks: readonly StoreCheck[] = [
  ...Object.entries(LATE).map(([what, late]) =>
    storeCheck({
      name: `a destroyed session stays destroyed when a pending request ${what}`,
      why: LOGOUT,
      run: (context) => staysEnded(context, ENDS['destroyed']!, late),
    }),
  ),
  storeCheck({
    name: 'a regenerated session stays ended when a pending request changes it',
    why: 'common sense: a login regenerates the id so that the old one is worth nothing',
    run: (context) => staysEnded(context, ENDS['regenerated']!, LATE['changes it']!),
  }),
  storeCheck({
    name: 'a session that another store destroyed stays destroyed when a pending request changes it',
    why: LOGOUT,
    needs: ['another'],
    async run(context) {
      const second = await context.another()
      await staysEnded(context, ENDS['destroyed']!, LATE['changes it']!, await context.app({}, second))
    },
  }),
  storeCheck({
    name: 'a new session can be stored under the id of a destroyed one',
    why: 'express-session README, store.set: "upsert a session into the store"',
    async run({ store, app }) {
      const listening = await app({ genid: () => 'always the same' })
      for (const round of [1, 2, 3]) {
        const visitor = await loggedIn(listening, { round })
        assert.equal(await visitor.request(({ session }) => session['round']), round)
        await visitor.request(ENDS['destroyed']!)
        assert.equal(await store.get('always the same'), null)
      }
    },
  }),
]

/** A request has loaded the session and waits; another ends the session; then the first continues. */
async function staysEnded(
  { store, app }: StoreContext,
  end: Handler<void>,
  late: Handler<void>,
  elsewhere?: Awaited<ReturnType<StoreContext['app']>>,
) {
  // With and without `rolling` and `resave`: the late request ends with a set or with a touch.
  for (const settings of [{ resave: false }, { resave: true, rolling: true }]) {
    const listening = await app(settings)
    const visitor = await loggedIn(listening, { user: 'in8uy4' })
    const cookie = visitor.cookie
    const gate = new Gate()
    const pending = listening.visitor(cookie).request(async (req: SessionRequest, res) => {
      await gate.pass('late')
      await late(req, res)
      return req.sessionID
    })
    await gate.arrived('late')
    await (elsewhere ?? listening).visitor(cookie).request(end)
    gate.release('late')
    // Whether the late request fails is for the store to decide. It must end.
    await Promise.allSettled([pending])
    const seen = await listening.visitor(cookie).request(({ session }) => [session['user'], session['late']])
    assert.deepEqual(seen, [undefined, undefined], 'the old cookie finds the session again')
    if (store.store.length !== undefined && end === ENDS['destroyed']) assert.equal(await lengthOf(store), 0, 'a session is left')
  }
}

/** How many sessions are stored; 0 if the store has the method and its bank cannot count. */
async function lengthOf(store: Driver): Promise<number> {
  try {
    return await store.length()
  } catch (error) {
    if (error instanceof Skipped) return 0
    throw error
  }
}
