// The process of one store: it opens the store and does the jobs that it is sent, one at a time.

import { backendOf } from '../stores/index.js'
import { administer } from './administration.js'
import { listen } from './http-server.js'
import { bytesOfSessions } from './memory.js'
import { watchWaits } from './waits.js'
import { fill, measure } from './workload.js'
import { costOfYoung } from './young.js'

/** @type {import('./workload.js').Opened} */
let opened

/** @type {(() => number) | undefined} */
let waits

/** @type {Record<string, (...args: any[]) => unknown>} */
const jobs = {
  async open(
    /** @type {string} */ backend,
    /** @type {number} */ index,
    /** @type {import('../stores/index.js').Target} */ target,
  ) {
    const { stores } = await backendOf(backend)
    const { open, touchesLess } = /** @type {import('../stores/index.js').MeasuredStore} */ (stores[index])
    opened = await open(target)
    const { store } = opened
    if (store !== undefined && store.touch === undefined && !touchesLess) throw new Error('it does not touch, and is not marked')
  },
  fill: (count, bytes) => fill(opened, count, bytes),
  measure: (slice) => measure(opened, slice),
  young: (work) => costOfYoung(opened, work),
  listen: () => listen(opened.store),
  watch: () => {
    waits = watchWaits(opened.store)
  },
  waited: () => waits?.(),
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  memory: (count, bytes) => bytesOfSessions(opened, count, bytes),
  administer: (count, bytes) => administer(opened, count, bytes),
  close: () => opened?.close?.(),
}

process.on('message', async (/** @type {{ job: string, args: unknown[] }} */ { job, args }) => {
  try {
    const answer = await /** @type {(...args: unknown[]) => unknown} */ (jobs[job])(...args)
    process.send?.({ answer: job === 'close' ? undefined : answer })
  } catch (error) {
    process.send?.({ error: error instanceof Error ? `${error.message}` : String(error) })
  }
})
process.on('disconnect', () => process.exit())
