// How many bytes of the process does a session take?

import { startAll, workersOf } from '../measuring/workers.js'

export const backends = ['memory']
/** A quick run leaves it out. */
export const quickBackends = /** @type {string[]} */ ([])

/** @typedef {import('../measuring/workers.js').About & { bytes: number }} Row */

/**
 * @param {string} backend
 * @param {{ url: string, quick: boolean, say: (text: string) => void }} setting
 */
export async function ask(backend, { url, quick, say }) {
  /** @type {Row[]} */
  const rows = []
  /** @type {Set<string>} */
  const missing = new Set()
  for (const worker of await workersOf(backend, 'memory')) {
    const { started, missing: reasons } = await startAll([worker], url)
    for (const reason of reasons) missing.add(reason)
    // Once: the memory in use after garbage collection does not depend on the machine's speed.
    if (started.length > 0) rows.push({ ...worker.about, bytes: await worker.do('memory', quick ? 10_000 : 100_000, 2_000) })
    await worker.stop()
    say(worker.name)
  }
  return { rows, missing }
}
