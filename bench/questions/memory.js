// How many bytes of the process does a session take?

import { startAll, workersOf } from '../measuring/workers.js'
import { backendOf } from '../stores/index.js'

export const title = 'Bytes a session'
export const note = 'Heap and buffers after garbage collection, of 100,000 sessions of 2 kB.'

export const backends = ['memory']

/** @typedef {{ name: string, ours: boolean, limit: boolean, bytes: number }} Row */

/**
 * @param {string} backend
 * @param {{ url: string, quick: boolean, say: (text: string) => void }} setting
 */
export async function ask(backend, { url, quick, say }) {
  await backendOf(backend)
  /** @type {Row[]} */
  const rows = []
  /** @type {Set<string>} */
  const missing = new Set()
  for (const worker of await workersOf(backend, 'memory')) {
    const { started, missing: reasons } = await startAll([worker], url)
    for (const reason of reasons) missing.add(reason)
    // Once: the memory in use after garbage collection does not depend on the machine's speed.
    for (const { name, ours, limit } of started)
      rows.push({ name, ours, limit, bytes: await worker.do('memory', quick ? 10_000 : 100_000, 2_000) })
    await worker.stop()
    say(worker.name)
  }
  return { rows, missing }
}
