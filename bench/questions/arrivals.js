// How long does a request wait for its session when requests arrive one by one, and not in lockstep?

import { median } from '../measuring/statistics.js'
import { untilSettled, warmUp } from '../measuring/warm-up.js'
import { interleaved, prepared, startAll, workersOf } from '../measuring/workers.js'
import { backendOf } from '../stores/index.js'

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
  const { started, missing } = await startAll(await workersOf(backend, 'arrivals', (store) => store.limit !== true), url)
  /** @type {Map<string, Row>} */
  const rows = new Map(started.map(({ name, ours }) => [name, { name, ours, at: [] }]))
  try {
    const ready = await prepared(started, missing, (worker) => warmUp(worker, { sessions, bytes: 2_000, quick }))
    const all = rates[backend] ?? []
    for (const rate of quick ? all.slice(1, -1) : all) {
      const slice = { rate, sessions, milliseconds: quick ? 250 : 500 }
      const measure = (/** @type {import('../measuring/workers.js').Worker} */ worker) => worker.do('openLoop', slice)
      const settled = await prepared(ready, missing, (worker) => untilSettled(async () => (await measure(worker)).median, quick))
      const results = await interleaved(settled, quick ? 2 : 4, measure, missing)
      for (const [worker, rounds] of results) {
        const of = (/** @type {'median' | 'p99'} */ what) => median(rounds.map((round) => round[what]))
        rows.get(worker.name)?.at.push({ rate, median: of('median'), p99: of('p99') })
      }
      say(`${rate} a second`)
    }
  } finally {
    for (const worker of started) await worker.stop()
  }
  return { rows: [...rows.values()], missing }
}
