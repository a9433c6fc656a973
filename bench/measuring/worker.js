// The process of one store: it opens the store and does the jobs that it is sent, one at a time.

import { backendOf } from '../stores/index.js'
import { administer } from './administration.js'
import { listen } from './http-server.js'
import { bytesOfSessions } from './memory.js'
import { openLoop } from './open-loop.js'
import { fill, measure } from './workload.js'

/** @type {import('./workload.js').Opened} */
let opened

/** @type {Record<string, (...args: any[]) => unknown>} */
const jobs = {
  async open(
    /** @type {string} */ backend,
    /** @type {number} */ index,
    /** @type {import('../stores/index.js').Target} */ target,
  ) {
    const { stores } = await backendOf(backend)
    opened = await /** @type {import('../stores/index.js').MeasuredStore} */ (stores[index]).open(target)
  },
  fill: (count, bytes) => fill(opened, count, bytes),
  measure: (slice) => measure(opened, slice),
  openLoop: (slice) => openLoop(opened, slice),
  listen: () => listen(opened.store),
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
