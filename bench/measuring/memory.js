// How many bytes of the process's memory a session takes.
import { fill } from './workload.js'

/**
 * @param {import('./workload.js').Opened} opened
 * @param {number} count
 * @param {number} bytes
 */
export async function bytesOfSessions(opened, count, bytes) {
  // The first ones pay for code and tables that the others share.
  await fill(opened, 1_000, bytes)
  const before = used()
  await fill(opened, 1_000 + count, bytes)
  return (used() - before) / count
}

function used() {
  const collect = /** @type {() => void} */ (globalThis.gc)
  for (let turn = 0; turn < 3; turn += 1) collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
