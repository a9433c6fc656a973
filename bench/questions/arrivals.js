// How long does a request wait for its session when requests arrive one by one, and not in lockstep?
import { backendOf } from '../candidates.js'
import { interleaved, membersOf, prepared, startAll } from '../crew.js'
import { median } from '../statistics.js'
import { untilSettled, warmUp } from '../warm-up.js'

export const title = 'Arriving one by one'
export const note =
  'An open loop: `mix` starts with exponential gaps at a fixed rate, whether or not earlier ones are answered. ' +
  'Milliseconds from the arrival to the end of the write: median, and 99th percentile. A store that cannot keep up shows it here.'

/** @type {Record<string, number[]>} arrivals a second */
const rates = { redis: [1_000, 5_000, 10_000, 20_000], mongodb: [250, 500, 1_000, 2_000], couchbase: [500, 1_000, 2_000] }

export const backends = Object.keys(rates)
/** A quick run leaves it out. */
export const quickBackends = /** @type {string[]} */ ([])

/** @typedef {{ name: string, ours: boolean, at: { rate: number, median: number, p99: number }[] }} Row */

/**
 * @param {string} backend
 * @param {{ url: string, quick: boolean, say: (text: string) => void }} setting
 */
export async function ask(backend, { url, quick, say }) {
  const sessions = (await backendOf(backend)).sessions ?? 4_000
  const { started, missing } = await startAll(await membersOf(backend, 'arrivals', (candidate) => candidate.limit !== true), url)
  /** @type {Map<string, Row>} */
  const rows = new Map(started.map(({ name, ours }) => [name, { name, ours, at: [] }]))
  try {
    const ready = await prepared(started, missing, (member) => warmUp(member, { sessions, bytes: 2_000, quick }))
    const all = rates[backend] ?? []
    for (const rate of quick ? all.slice(1, -1) : all) {
      const slice = { rate, sessions, milliseconds: quick ? 250 : 500 }
      const measure = (/** @type {import('../crew.js').Member} */ member) => member.do('arrivals', slice)
      const settled = await prepared(ready, missing, (member) => untilSettled(async () => (await measure(member)).median, quick))
      const results = await interleaved(settled, quick ? 2 : 4, measure, missing)
      for (const [member, rounds] of results) {
        const of = (/** @type {'median' | 'p99'} */ what) => median(rounds.map((round) => round[what]))
        rows.get(member.name)?.at.push({ rate, median: of('median'), p99: of('p99') })
      }
      say(`${rate} a second`)
    }
  } finally {
    for (const member of started) await member.stop()
  }
  return { rows: [...rows.values()], missing }
}
