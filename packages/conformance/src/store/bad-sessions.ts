import assert from 'node:assert/strict'
import { assertData, loaded, newSession, type StoreCheck, storeCheck } from './helpers.ts'

/** Values that JSON cannot hold. */
const UNSERIALIZABLE = { 'a BigInt': () => 1n, 'a cycle': cycle }

/** Results of a session's `toJSON` that are no objects. */
const NO_OBJECTS: Readonly<Record<string, unknown>> = {
  text: 'text',
  'a number': 7,
  'an array': [1, 2],
  null: null,
  undefined: undefined,
}

const WHY = 'common sense: if a session cannot be stored, the callback gets an error, and the stored session stays'

/** Sessions that cannot be stored, or only with work. */
export const badSessionChecks: readonly StoreCheck[] = [
  ...Object.entries<() => unknown>(UNSERIALIZABLE).map(([what, make]) =>
    storeCheck({
      name: `set of a session with ${what} calls back with an error, or stores it`,
      why: WHY,
      async run({ store }) {
        await store.set('stored', newSession(store, 'stored', { a: 1 }))
        const session = await loaded(store, 'stored')
        session['bad'] = make()
        if (await fails(() => store.set('stored', session))) assertData(await store.get('stored'), { a: 1 })
        // Some formats can hold the value.
        else assert.ok('bad' in ((await store.get('stored')) ?? {}), 'there was no error, and the value is missing')
        const isRefused = await fails(() => store.set('new', newSession(store, 'new', { bad: make() })))
        if (isRefused) assert.equal(await store.get('new'), null)
        await store.set('stored', newSession(store, 'stored', { a: 2 }))
        assertData(await store.get('stored'), { a: 2 })
      },
    }),
  ),
  ...Object.entries(NO_OBJECTS).map(([what, json]) =>
    storeCheck({
      name: `set of a session whose toJSON returns ${what} calls back with an error`,
      why: `${WHY}; a record without a cookie makes every later request of its user fail`,
      async run({ store }) {
        await store.set('stored', newSession(store, 'stored', { a: 1 }))
        for (const session of [await loaded(store, 'stored'), newSession(store, 'stored', { a: 1 })]) {
          Object.defineProperty(session, 'toJSON', { value: () => json, configurable: true })
          session['a'] = 2
          assert.ok(await fails(() => store.set('stored', session)), 'there was no error')
          assertData(await store.get('stored'), { a: 1 })
        }
      },
    }),
  ),
  storeCheck({
    name: 'a session of 12,000 keys is loaded, changed and stored without blocking',
    why: 'common sense: all other requests wait while one blocks the event loop; the work for a session is proportional to its size',
    async run({ store }) {
      const data = Object.fromEntries(Array.from({ length: 12_000 }, (_, index) => [`key-${index}`, { index }]))
      await store.set('sid', newSession(store, 'sid', data))
      const allowed = 50 + 25 * millisecondsOf(() => JSON.parse(JSON.stringify(data)))
      // The least of several measurements: garbage collection and compilation count as well.
      let longest = Number.POSITIVE_INFINITY
      for (let attempt = 0; attempt < 4 && longest > allowed; attempt++) {
        const [first, second] = [await loaded(store, 'sid'), await loaded(store, 'sid')]
        const block = await longestBlock(async () => {
          for (const [index, session] of [first, second].entries()) {
            session[`key-${index}`] = `changed ${attempt}`
            session[`added-${index}`] = attempt
            await store.set('sid', session)
          }
          await loaded(store, 'sid')
        })
        longest = Math.min(longest, block)
        const changed = `changed ${attempt}`
        assertData(await store.get('sid'), { 'key-1': changed, 'added-1': attempt, 'key-11999': { index: 11_999 } })
      }
      assert.ok(
        longest <= allowed,
        `one turn of the event loop took ${Math.round(longest)} ms; allowed are ${Math.round(allowed)} ms`,
      )
    },
  }),
]

function cycle(): object {
  const self: { self?: object } = {}
  self.self = self
  return self
}

/** Whether it called back with an error. If it throws instead, the check fails. */
async function fails(run: () => Promise<void>): Promise<boolean> {
  try {
    await run()
    return false
  } catch (error) {
    assert.ok(!/threw instead of calling back/.test(String(error)), String(error))
    return true
  }
}

/** The least of five runs, in milliseconds. */
function millisecondsOf(run: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
  return Math.min(...times)
}

/** The most CPU time, in milliseconds, of one turn of the event loop while this ran: a busy machine does not count. */
async function longestBlock(run: () => Promise<void>): Promise<number> {
  let longest = 0
  let isRunning = true
  let last = process.cpuUsage()
  const measure = (): void => {
    const { user, system } = process.cpuUsage(last)
    longest = Math.max(longest, (user + system) / 1_000)
    last = process.cpuUsage()
    if (isRunning) setImmediate(measure)
  }
  setImmediate(measure)
  try {
    await run()
  } finally {
    isRunning = false
  }
  await new Promise((resolve) => setImmediate(resolve))
  return longest
}
