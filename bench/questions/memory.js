// How many bytes of the process does a session take?
import { backendOf } from '../candidates.js'
import { membersOf, startAll } from '../crew.js'

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
  for (const member of await membersOf(backend, 'memory')) {
    const { started, missing: reasons } = await startAll([member], url)
    for (const reason of reasons) missing.add(reason)
    // Once: what is weighed after the collector has ended does not depend on the machine.
    for (const { name, ours, limit } of started)
      rows.push({ name, ours, limit, bytes: await member.do('weigh', quick ? 10_000 : 100_000, 2_000) })
    await member.stop()
    say(member.name)
  }
  return { rows, missing }
}
