import assert from 'node:assert/strict'
import type { App, SessionRequest, Visitor } from '../app.ts'
import { Gate } from '../gate.ts'
import { assertData, orders, type StoreCheck, storeCheck } from './kit.ts'

const LOST =
  'plain sense, and express-session README, resave: "it can also create race conditions where a client makes two parallel requests", "depends on what store you\'re using"'

/** Two requests of one visitor at once: nothing that one of them changed may be lost. */
export const raceChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'parallel requests that change different keys lose nothing, in whatever order they end',
    why: LOST,
    async run({ app }) {
      const listening = await app()
      for (const order of orders(['a', 'b', 'c'])) {
        const visitor = await loggedIn(listening, { user: 'in8uy4', a: 0 })
        await held(visitor, ['a', 'b', 'c'], order, (name, { session }) => {
          session[name] = `by ${name}`
        })
        assertData(await sessionOf(visitor), { user: 'in8uy4', a: 'by a', b: 'by b', c: 'by c' }, `ended as ${order}`)
      }
    },
  }),
  storeCheck({
    name: 'parallel requests that change different keys lose nothing, when they end at the same moment',
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
    name: 'a removed key stays removed, an added one added, when parallel requests do both',
    why: LOST,
    async run({ app }) {
      const listening = await app()
      for (const order of orders(['remove', 'add'])) {
        const visitor = await loggedIn(listening, { notice: 'read me', user: 'in8uy4' })
        await held(visitor, ['remove', 'add'], order, (name, { session }) => {
          if (name === 'remove') delete session['notice']
          else session['cart'] = [1]
        })
        assertData(await sessionOf(visitor), { user: 'in8uy4', cart: [1], notice: undefined }, `ended as ${order}`)
      }
    },
  }),
  storeCheck({
    name: 'a parallel request that changes nothing takes nothing back',
    why: 'plain sense: who only looked has nothing to say',
    async run({ app }) {
      await bystanderTakesNothing(await app({ resave: false, rolling: true }))
    },
  }),
  storeCheck({
    name: 'a parallel request that changes nothing takes nothing back, with resave: true',
    why: 'express-session README, resave: changes "may get overwritten when the other request ends, even if it made no changes"',
    async run({ app }) {
      await bystanderTakesNothing(await app({ resave: true }))
    },
  }),
  storeCheck({
    name: 'a request that saves twice loses nothing of its own, and nothing of what came between',
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
        for (const place of ['before the first save', 'between the saves', 'after the last save']) {
          await gate.arrived(place)
          if (place === other) {
            await visitor.request(({ session }) => {
              session['other'] = place
            })
          }
          gate.release(place)
        }
        await twice
        assertData(await sessionOf(visitor), { user: 'in8uy4', first: 1, second: 2, third: 3, other }, `the other came ${other}`)
      }
    },
  }),
  storeCheck({
    name: 'parallel requests on two stores of one place lose nothing, in whatever order they end',
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
        await held({ a: visitor, b: elsewhere }, ['a', 'b'], order, change)
        const expected = { user: 'in8uy4', a: 'by a', b: 'by b' }
        assertData(await sessionOf(visitor), expected, `ended as ${order}`)
        assertData(await sessionOf(elsewhere), expected, `ended as ${order}, seen from the other store`)
      }
    },
  }),
  storeCheck({
    name: 'what one store has set, another on the same place gives at once',
    why: 'plain sense: the next request may come to another process',
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

/** What the visitor's session holds; a key that the store adds is another check's. */
async function sessionOf(visitor: Visitor): Promise<Record<string, unknown>> {
  return visitor.request(({ session }) => {
    const { cookie: _, ...data } = JSON.parse(JSON.stringify(session))
    return data
  })
}

/** Requests that all have loaded the session before the first changes it, and end one after the other in this order. */
async function held(
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

/** One request changes the session, another only looks: whoever ends first, the change is there. */
async function bystanderTakesNothing(app: App): Promise<void> {
  for (const order of orders(['change', 'look'])) {
    const visitor = await loggedIn(app, { value: 'old', gone: true })
    await held(visitor, ['change', 'look'], order, (name, { session }) => {
      if (name !== 'change') return
      session['value'] = 'new'
      delete session['gone']
    })
    assertData(await sessionOf(visitor), { value: 'new', gone: undefined }, `ended as ${order}`)
  }
}
