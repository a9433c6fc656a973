// How many operations a second, and what does one cost? get, set, touch, and mix: what a request does.

import { median, ratio, spread } from '../measuring/statistics.js'
import { FIRST, LATER, untilSettled, warmUp } from '../measuring/warm-up.js'
import { interleaved, prepared, startAll, workersOf } from '../measuring/workers.js'
import { backendOf } from '../stores/index.js'

export const title = 'Operations'
export const note =
  '`mix` is what express-session does for a request: get, then nine times in ten a touch and once a set. ' +
  'Each store is driven as express-session drives it, and has a process of its own; the stores take turns.'

/** @typedef {{ operation: import('../measuring/workload.js').Operation, concurrency: number, bytes: number, sessions: number, distribution: 'uniform' | 'zipf' }} Cell */

/**
 * Cells of one size and number of sessions follow each other, because the sessions are stored again for each.
 * @param {boolean} quick
 * @param {number} [few] how many sessions there may be at most
 * @returns {Cell[]}
 */
function cells(quick, few = Number.POSITIVE_INFINITY) {
  const all = /** @type {const} */ (['mix', 'get', 'set', 'touch'])
  const of = (
    /** @type {readonly import('../measuring/workload.js').Operation[]} */ operations,
    /** @type {number[]} */ concurrencies,
    /** @type {Partial<Cell>} */ other = {},
  ) =>
    operations.flatMap((operation) =>
      concurrencies.map((concurrency) => {
        const bytes = other.bytes ?? 2_000
        const sessions = Math.min(other.sessions ?? 4_000, few, bytes > 10_000 ? 1_000 : few)
        return { operation, concurrency, bytes, sessions, distribution: other.distribution ?? 'uniform' }
      }),
    )
  const popular = of(['mix'], [16, 128], { distribution: 'zipf' })
  if (quick) return [...of(['mix'], [16, 128]), ...of(['get', 'set', 'touch'], [128]), ...popular.slice(1)]
  const many = few === Number.POSITIVE_INFINITY ? of(['mix'], [16], { sessions: 40_000 }) : []
  const [small, large] = [of(['mix', 'set'], [16], { bytes: 200 }), of(['mix', 'set'], [16], { bytes: 20_000 })]
  return [...of(all, [1, 16, 128]), ...popular, ...small, ...large, ...many]
}

/**
 * @typedef {{ name: string, ours: boolean, limit: boolean, rate: number, spread: number, cpu: number, toPeer: number, toPeerCpu: number, toLimit: number }} Row
 * @typedef {Cell & { rows: Row[] }} Answer
 */

/**
 * @param {string} backend
 * @param {{ url: string, quick: boolean, say: (text: string) => void }} setting
 */
export async function ask(backend, { url, quick, say }) {
  const { sessions: few } = await backendOf(backend)
  const wanted = await workersOf(backend, 'operations', ({ fullOnly }) => !(quick && fullOnly))
  const { started, missing } = await startAll(wanted, url)
  /** @type {Answer[]} */
  const answers = []
  try {
    let [filled, ready] = ['', started]
    for (const cell of cells(quick, few)) {
      const { sessions, bytes } = cell
      const filling = `${sessions} of ${bytes} B`
      if (filled !== filling) {
        const enough = filled === '' ? FIRST : LATER
        ready = await prepared(ready, missing, (worker) => warmUp(worker, { ...cell, quick }, enough))
        filled = filling
      }
      const milliseconds = quick ? 150 : 250
      const measure = (/** @type {import('../measuring/workers.js').Worker} */ worker) =>
        worker.do('measure', { ...cell, milliseconds })
      const costOf = async (/** @type {import('../measuring/workers.js').Worker} */ worker) => (await measure(worker))?.cpu
      ready = await prepared(ready, missing, (worker) => untilSettled(() => costOf(worker), quick))
      answers.push({ ...cell, rows: rowsOf(await interleaved(ready, quick ? 2 : 5, measure, missing)) })
      say(`${cell.operation} ${bytes} B at ${cell.concurrency}, ${cell.distribution}`)
    }
  } finally {
    for (const worker of started) await worker.stop()
  }
  return { answers, missing }
}

/** @param {Map<import('../measuring/workers.js').Worker, (import('../measuring/workload.js').Measured | null)[]>} results @returns {Row[]} */
function rowsOf(results) {
  const able = /** @type {[import('../measuring/workers.js').Worker, import('../measuring/workload.js').Measured[]][]} */ (
    [...results].filter(([, rounds]) => !rounds.includes(null))
  )
  const measured = able.map(([worker, rounds]) => ({
    worker,
    rates: rounds.map(({ rate }) => rate),
    cpus: rounds.map(({ cpu }) => cpu),
  }))
  const fastest = (/** @type {typeof measured} */ among) =>
    among.toSorted((one, other) => median(other.rates) - median(one.rates))[0]
  const cheapest = (/** @type {typeof measured} */ among) =>
    among.toSorted((one, other) => median(one.cpus) - median(other.cpus))[0]
  const peers = measured.filter(({ worker }) => !worker.ours && !worker.limit)
  const limit = fastest(measured.filter(({ worker }) => worker.limit))
  return measured.map(({ worker, rates, cpus }) => ({
    name: worker.name,
    ours: worker.ours,
    limit: worker.limit,
    rate: median(rates),
    spread: spread(rates),
    cpu: median(cpus),
    toPeer: ratio(rates, fastest(peers)?.rates ?? []),
    toPeerCpu: ratio(cheapest(peers)?.cpus ?? [], cpus),
    toLimit: ratio(rates, limit?.rates ?? []),
  }))
}
