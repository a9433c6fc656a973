import assert from 'node:assert/strict'
import type { Handler, SessionRequest } from '../app.ts'
import { Gate } from '../gate.ts'
import { type StoreCheck, type StoreContext, storeCheck } from './kit.ts'
import { loggedIn } from './races.ts'

const LOGOUT =
  'plain sense: who logged out is logged out, whatever another tab was doing; express-session README, Session.destroy'

/** What the other request does meanwhile. */
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

/** Nobody comes back from logout. */
export const logoutChecks: readonly StoreCheck[] = [
  ...Object.entries(LATE).map(([what, late]) =>
    storeCheck({
      name: `a session that was destroyed stays so when a request under way ${what}`,
      why: LOGOUT,
      run: (context) => endsForGood(context, ENDS['destroyed']!, late),
    }),
  ),
  storeCheck({
    name: 'a session that was regenerated stays so when a request under way changes it',
    why: 'plain sense: a login regenerates the id so that the old one is worth nothing',
    run: (context) => endsForGood(context, ENDS['regenerated']!, LATE['changes it']!),
  }),
  storeCheck({
    name: 'a session that was destroyed on another store stays so when a request under way changes it',
    why: LOGOUT,
    needs: ['another'],
    async run(context) {
      const second = await context.another()
      await endsForGood(context, ENDS['destroyed']!, LATE['changes it']!, await context.app({}, second))
    },
  }),
  storeCheck({
    name: 'a session that was destroyed can be begun anew under its id',
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

/** A request has loaded the session and is held; another ends the session; then the first goes on. */
async function endsForGood(
  { store, app }: StoreContext,
  end: Handler<void>,
  late: Handler<void>,
  elsewhere?: Awaited<ReturnType<StoreContext['app']>>,
) {
  // `rolling` and `resave` on and off: the late request ends with a set or with a touch.
  for (const settings of [{ resave: false }, { resave: true, rolling: true }]) {
    const listening = await app(settings)
    const visitor = await loggedIn(listening, { user: 'in8uy4' })
    const stolen = visitor.cookie
    const gate = new Gate()
    const underWay = listening.visitor(stolen).request(async (req: SessionRequest, res) => {
      await gate.pass('late')
      await late(req, res)
      return req.sessionID
    })
    await gate.arrived('late')
    await (elsewhere ?? listening).visitor(stolen).request(end)
    gate.release('late')
    // What the late request is told is the store's to decide; that it is told something is not.
    await Promise.allSettled([underWay])
    const seen = await listening.visitor(stolen).request(({ session }) => [session['user'], session['late']])
    assert.deepEqual(seen, [undefined, undefined], 'the old cookie opens the session again')
    if (store.store.length !== undefined && end === ENDS['destroyed']) assert.equal(await store.length(), 0, 'something is left')
  }
}
