// How long does work on all sessions take, and for how long is the event loop blocked meanwhile?
import { startAll, workersOf } from '../measuring/workers.js'
import { isStore } from '../stores/memory-baseline.js'

export const backends = ['memory', 'disk', 'sqlite', 'postgres', 'redis']
/** A quick run leaves it out. */
export const quickBackends = /** @type {string[]} */ ([])

const BYTES = 200
/** These take minutes to store more sessions than this. */
const SLOW_PEERS = ['session-file-store', 'connect-session-knex 5 on better-sqlite3', 'connect-sqlite3 0.9']
const MOST_OF_SLOW_PEERS = 10_000

/** @typedef {{ name: string, ours: boolean, count: number, done: import('../measuring/administration.js').Administration }} Row */

/**
 * @param {string} backend
 * @param {{ url: string, quick: boolean, say: (text: string) => void, empty?: () => Promise<void> }} setting
 */
export async function ask(backend, { url, quick, say, empty }) {
  /** @type {Row[]} */
  const rows = []
  /** @type {Set<string>} */
  const missing = new Set()
  for (const count of quick ? [10_000] : [1_000, 10_000, 100_000]) {
    for (const worker of await workersOf(backend, 'administration', (store) => isStore(store) && !store.tuned)) {
      const { name, ours } = worker.about
      if (SLOW_PEERS.includes(name) && count > MOST_OF_SLOW_PEERS) continue
      await empty?.()
      const { started, missing: reasons } = await startAll([worker], url)
      for (const reason of reasons) missing.add(reason)
      try {
        if (started.length > 0) rows.push({ name, ours, count, done: await worker.do('administer', count, BYTES) })
      } catch (error) {
        missing.add(error instanceof Error ? error.message : String(error))
      }
      await worker.stop()
      say(`${name}, ${count} sessions`)
    }
  }
  await empty?.()
  return { rows, missing }
}
