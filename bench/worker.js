// The process of one candidate: it opens the store and does the jobs that it is sent, one at a time.
import { administer } from './administer.js'
import { arrivals } from './arrive.js'
import { backendOf } from './candidates.js'
import { fill, measure } from './drive.js'
import { listen } from './serve.js'
import { bytesOfSessions } from './weigh.js'

/** @type {import('./drive.js').Opened} */
let opened

/** @type {Record<string, (...args: any[]) => unknown>} */
const jobs = {
  async open(
    /** @type {string} */ backend,
    /** @type {number} */ candidate,
    /** @type {import('./candidates.js').Place} */ place,
  ) {
    const { candidates } = await backendOf(backend)
    opened = await /** @type {import('./candidates.js').Candidate} */ (candidates[candidate]).open(place)
  },
  fill: (count, bytes) => fill(opened, count, bytes),
  measure: (slice) => measure(opened, slice),
  arrivals: (slice) => arrivals(opened, slice),
  listen: () => listen(opened.store),
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  weigh: (count, bytes) => bytesOfSessions(opened, count, bytes),
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
