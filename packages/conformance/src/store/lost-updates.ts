import assert from 'node:assert/strict'
import type { App, SessionRequest, Visitor } from '../app.ts'
import { Gate } from '../gate.ts'
import { assertData, orders, type StoreCheck, storeCheck } from './helpers.ts'

const LOST =
  'common sense, and express-session README, resave: "it can also create race conditions where a client makes two parallel requests", "depends on what store you\'re using"'

/** Parallel requests of one visitor: no change of any of them may be lost. */
export const lostUpdateChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'parallel requests that change different keys lose nothing, in every order in which they end',
    why: LOST,
    async run({ app }) {
      const listening = await app()
      for (const order of orders(['a', 'b', 'c'])) {
        const visitor = await loggedIn(listening, { user: 'in8uy4', a: 0 })
        await sendTogether(visitor, ['a', 'b', 'c'], order, (name, { session }) => {
          session[name] = `by ${name}`
        })
        assertData(await sessionOf(visitor), { user: 'in8uy4', a: 'by a', b: 'by b', c: 'by c' }, `ended as ${order}`)
      }
    },
  }),
  storeCheck({
    name: 'parallel requests that change different keys lose nothing, if they end at the same moment',
    why: LOST,
    async run({ app }) {
      const visitor = await loggedIn(await app(), { user: 'in8uy4' })
      const names = Array.from({ length: 20 }, (_, index) => `key ${index}`)
      const gate = new Gate()
      const requests = names.map((name) =>
        visitor.request(async ({ session }) => {
          await gate.pass(name)
          session[name] = name
        }),
      )
      await gate.arrived(...names)
      gate.releaseAll()
      await Promise.all(requests)
      assertData(await sessionOf(visitor), { user: 'in8uy4', ...Object.fromEntries(names.map((name) => [name, name])) })
    },
  }),
  storeCheck({
    name: 'parallel requests that remove a key and add another lose nothing',
    why: LOST,
    async run({ app }) {
      const listening = await app()
      for (const order of orders(['remove', 'add'])) {
        const visitor = await loggedIn(listening, { notice: 'read me', user: 'in8uy4' })
        await sendTogether(visitor, ['remove', 'add'], order, (name, { session }) => {
          if (name === 'remove') delete session['notice']
          else session['cart'] = [1]
        })
        assertData(await sessionOf(visitor), { user: 'in8uy4', cart: [1], notice: undefined }, `ended as ${order}`)
      }
    },
  }),
  storeCheck({
    name: 'a parallel request that changes nothing does not restore old data',
    why: 'common sense: a request that changed nothing must not change what is stored',
    async run({ app }) {
      await keepsChange(await app({ resave: false, rolling: true }))
    },
  }),
  storeCheck({
    name: 'a parallel request that changes nothing does not restore old data, with resave: true',
    why: 'express-session README, resave: changes "may get overwritten when the other request ends, even if it made no changes"',
    async run({ app }) {
      await keepsChange(await app({ resave: true }))
    },
  }),
  storeCheck({
    name: 'a request that saves twice loses no change of its own and none of another request',
    why: LOST,
    async run({ app }) {
      const listening = await app()
      for (const other of ['before the first save', 'between the saves', 'after the last save']) {
        const visitor = await loggedIn(listening, { user: 'in8uy4' })
        const gate = new Gate()
        const twice = visitor.request(async ({ session }) => {
          await gate.pass('before the first save')
          session['first'] = 1
          await new Promise<void>((resolve, reject) => session.save((error) => (error ? reject(error) : resolve())))
          await gate.pass('between the saves')
          session['second'] = 2
          await new Promise<void>((resolve, reject) => session.save((error) => (error ? reject(error) : resolve())))
          await gate.pass('after the last save')
          session['third'] = 3
        })
        for (const step of ['before the first save', 'between the saves', 'after the last save']) {
          await gate.arrived(step)
          if (step === other) {
            await visitor.request(({ session }) => {
              session['other'] = step
            })
          }
          gate.release(step)
        }
        await twice
        assertData(
          await sessionOf(visitor),
          { user: 'in8uy4', first: 1, second: 2, third: 3, other },
          `the other request came ${other}`,
        )
      }
    },
  }),
  storeCheck({
    name: 'parallel requests on two stores with the same storage lose nothing, in every order in which they end',
    why: LOST,
    needs: ['another'],
    async run({ app, another }) {
      const [first, second] = [await app(), await app({}, await another())]
      for (const order of orders(['a', 'b'])) {
        const visitor = await loggedIn(first, { user: 'in8uy4' })
        const elsewhere = second.visitor(visitor.cookie)
        const change = (name: string, { session }: SessionRequest): void => {
          session[name] = `by ${name}`
        }
        await sendTogether({ a: visitor, b: elsewhere }, ['a', 'b'], order, change)
        const expected = { user: 'in8uy4', a: 'by a', b: 'by b' }
        assertData(await sessionOf(visitor), expected, `ended as ${order}`)
        assertData(await sessionOf(elsewhere), expected, `ended as ${order}, seen from the other store`)
      }
    },
  }),
  storeCheck({
    name: 'a store returns at once what another on the same storage has set',
    why: 'common sense: the next request may come to another process',
    needs: ['another'],
    async run({ store, app, another }) {
      const second = await another()
      const [here, there] = [await app(), await app({}, second)]
      const visitor = await loggedIn(here, { count: 0 })
      const elsewhere = there.visitor(visitor.cookie)
      for (let count = 1; count <= 6; count++) {
        const [writer, reader] = count % 2 === 0 ? [visitor, elsewhere] : [elsewhere, visitor]
        await writer.request(({ session }) => {
          session['count'] = count
        })
        assertData(await sessionOf(reader), { count })
      }
      const sid = await visitor.request(({ sessionID }) => sessionID)
      await second.destroy(sid)
      assert.equal(await store.get(sid), null)
      assertData(await sessionOf(visitor), { count: undefined })
    },
  }),
]

/** A visitor whose session holds these data. */
export async function loggedIn(app: App, data: Record<string, unknown>): Promise<Visitor> {
  const visitor = app.visitor()
  await visitor.request(({ session }) => {
    Object.assign(session, data)
  })
  return visitor
}

/** The data of the visitor's session. */
async function sessionOf(visitor: Visitor): Promise<Record<string, unknown>> {
  return visitor.request(({ session }) => {
    const { cookie: _, ...data } = JSON.parse(JSON.stringify(session))
    return data
  })
}

/** Sends requests that all load the session before the first changes it, and that end one after the other in this order. */
export async function sendTogether(
  visitors: Visitor | Readonly<Record<string, Visitor>>,
  names: readonly string[],
  order: readonly string[],
  change: (name: string, req: SessionRequest) => void,
): Promise<void> {
  const gate = new Gate()
  const requests = new Map<string, Promise<void>>()
  for (const name of names) {
    const visitor = 'request' in visitors ? (visitors as Visitor) : visitors[name]!
    const handler = async (req: SessionRequest): Promise<void> => {
      await gate.pass(name)
      change(name, req)
    }
    requests.set(name, visitor.request(handler))
  }
  await gate.arrived(...names)
  for (const name of order) {
    gate.release(name)
    await requests.get(name)
  }
}

/** One request changes the session, another changes nothing: the change is stored, whichever ends first. */
async function keepsChange(app: App): Promise<void> {
  for (const order of orders(['change', 'read'])) {
    const visitor = await loggedIn(app, { value: 'old', removed: true })
    await sendTogether(visitor, ['change', 'read'], order, (name, { session }) => {
      if (name !== 'change') return
      session['value'] = 'new'
      delete session['removed']
    })
    assertData(await sessionOf(visitor), { value: 'new', removed: undefined }, `ended as ${order}`)
  }
}
