// Work on all sessions at once: how long it takes, and for how long it keeps the event loop from everything else.
import { performance } from 'node:perf_hooks'
import { DAY } from './sessions.js'
import { median } from './statistics.js'
import { fill } from './workload.js'

const HOUR = 3_600_000

/** How often what changes nothing is measured: what stops the loop but once in three times is the machine. */
const TIMES = 3

/**
 * @typedef {{ ms: number, block: number }} Work `block`: the longest time (ms) that the event loop was blocked
 * @typedef {Partial<Record<'length' | 'all' | 'entries' | 'purge' | 'clear', Work | { failed: string }>>} Administration
 */

/**
 * Fills the store, half of it with sessions that expire in an hour. Then all of them are counted, listed, streamed, purged and cleared.
 * @param {import('./workload.js').Opened} opened
 * @param {number} count
 * @param {number} bytes
 * @returns {Promise<Administration>}
 */
export async function administer(opened, count, bytes) {
  const { store, purge } = opened
  await fill(opened, count, bytes, (index) => (index % 2 === 0 ? HOUR : DAY))
  /** @type {Administration} */
  const done = {}
  const call = (/** @type {string} */ method) => () =>
    new Promise((resolve, reject) => {
      store[method]((/** @type {unknown} */ error, /** @type {unknown} */ answer) => (error ? reject(error) : resolve(answer)))
    })
  if (store.length !== undefined) done.length = await repeated(call('length'))
  if (store.all !== undefined) done.all = await repeated(call('all'))
  if (store.entries !== undefined) {
    done.entries = await repeated(async () => {
      for await (const _ of store.entries());
    })
  }
  if (purge !== undefined) {
    const back = moveClock(2 * HOUR)
    done.purge = await watched(purge)
    back()
  }
  if (store.clear !== undefined) done.clear = await watched(call('clear'))
  return done
}

/** The median of each. @param {() => Promise<unknown>} work @returns {Promise<Work | { failed: string }>} */
async function repeated(work) {
  /** @type {Work[]} */
  const all = []
  while (all.length < TIMES) {
    const one = await watched(work)
    if ('failed' in one) return one
    all.push(one)
  }
  return { ms: median(all.map(({ ms }) => ms)), block: median(all.map(({ block }) => block)) }
}

/** @param {() => Promise<unknown>} work @returns {Promise<Work | { failed: string }>} */
async function watched(work) {
  globalThis.gc?.()
  let [last, block] = [performance.now(), 0]
  const look = () => {
    const now = performance.now()
    block = Math.max(block, now - last)
    last = now
  }
  const timer = setInterval(look, 1)
  const start = performance.now()
  try {
    await work()
    const ms = performance.now() - start
    look()
    return { ms, block }
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) }
  } finally {
    clearInterval(timer)
  }
}

/** Makes it later than it is, for the stores that look at this process's clock. @param {number} milliseconds */
function moveClock(milliseconds) {
  const RealDate = globalThis.Date
  globalThis.Date = /** @type {DateConstructor} */ (
    class extends RealDate {
      constructor(/** @type {any[]} */ ...args) {
        if (args.length === 0) super(RealDate.now() + milliseconds)
        else super(.../** @type {[any]} */ (args))
      }

      /** @override */
      static now() {
        return RealDate.now() + milliseconds
      }
    }
  )
  return () => {
    globalThis.Date = RealDate
  }
}
