// How many operations a second, and what does one cost? get, set, touch, and mix: what a request does.

import { median, ratio, spread } from '../measuring/statistics.js'
import { FIRST, LATER, untilWarm, warmUp } from '../measuring/warm-up.js'
import { interleaved, prepared, startAll, workersOf } from '../measuring/workers.js'
import { backendOf } from '../stores/index.js'

/**
 * @typedef {import('../measuring/workers.js').Worker} Worker
 * @typedef {import('../measuring/workload.js').Operation} Operation
 * @typedef {import('../measuring/workload.js').Measured} Measured
 * @typedef {{ operation: Operation, concurrency: number, bytes: number, sessions: number }} Cell
 *
 * A rate beside others. `toReadme`, `toBest`: the times of the fastest peer, as its README says and at any setting; `toLimit`: the share of the
 * fastest bare client.
 * @typedef {{ rate: number, spread: number, cpu: number, toReadme: number, toBest: number, toLimit: number }} Figures
 * @typedef {import('../measuring/workers.js').About & Figures} Row
 * @typedef {Cell & { rows: Row[], readme?: string, best?: string }} Answer `readme` and `best`: the names of those peers
 */

/** How long one measurement takes, and one look at whether a store is warm, in milliseconds. */
const SLICE = 200
const QUICK_SLICE = 120
const LOOK = 150
const ROUNDS = 4

/**
 * Cells of one size and number of sessions follow each other, because the sessions are stored again for each. A `mix` comes after its parts, and one
 * at a time after many: few operations a second take long to be compiled.
 * @param {boolean} quick
 * @param {import('../stores/index.js').Backend} backend
 * @returns {Cell[]}
 */
export function cells(quick, { sessions: few = 4_000 }) {
  const of = (
    /** @type {readonly Operation[]} */ operations,
    /** @type {readonly number[]} */ concurrencies,
    bytes = 2_000,
    sessions = few,
  ) => operations.flatMap((operation) => concurrencies.map((concurrency) => ({ operation, concurrency, bytes, sessions })))
  if (quick) return [...of(['mix', 'get', 'set', 'touch'], [16]), ...of(['mix'], [128])]
  return [
    ...of(['get', 'set', 'touch', 'mix'], [16, 128, 1]),
    ...of(['get', 'set', 'mix'], [16], 200),
    ...of(['get', 'set', 'mix'], [16], 20_000, Math.min(few, 1_000)),
  ]
}

/**
 * @param {string} name
 * @param {{ url: string, quick: boolean, say: (text: string) => void }} setting
 */
export async function ask(name, { url, quick, say }) {
  const backend = await backendOf(name)
  const wanted = await workersOf(name, 'operations', ({ fullOnly }) => !(quick && fullOnly))
  const { started, missing } = await startAll(wanted, url)
  /** @type {Answer[]} */
  const answers = []
  try {
    let [filled, ready] = ['', started]
    for (const cell of cells(quick, backend)) {
      const filling = `${cell.sessions} of ${cell.bytes} B`
      if (filled !== filling) {
        const enough = filled === '' ? FIRST : LATER
        ready = await prepared(ready, missing, (worker) => warmUp(worker, { ...cell, quick }, enough))
        filled = filling
      }
      const measure = (/** @type {Worker} */ worker, milliseconds = quick ? QUICK_SLICE : SLICE) =>
        worker.do('measure', { ...cell, milliseconds })
      const asked = ready.filter(({ operations }) => operations?.includes(cell.operation) ?? true)
      const costOf = async (/** @type {Worker} */ worker) => (await measure(worker, LOOK))?.cpu
      const warm = await prepared(asked, missing, (worker) => untilWarm(() => costOf(worker), quick))
      ready = ready.filter((worker) => warm.includes(worker) || !asked.includes(worker))
      const results = await interleaved(warm, quick ? 2 : ROUNDS, (worker) => measure(worker), missing)
      answers.push({ ...cell, ...compared(cell.operation, results) })
      say(`${cell.operation} ${cell.bytes} B at ${cell.concurrency}, ${cell.sessions} sessions`)
    }
  } finally {
    for (const worker of started) await worker.stop()
  }
  return { answers, missing }
}

/**
 * Like with like: in a `mix`, a peer that does not touch at each request does less than the others, so it is not the fastest peer.
 * @param {Operation} operation
 * @param {Map<{ about: import('../measuring/workers.js').About }, (Measured | null)[]>} results by worker; null for what a store cannot do
 * @returns {{ rows: Row[], readme?: string, best?: string }}
 */
export function compared(operation, results) {
  const measured = [...results].flatMap(([{ about }, rounds]) => {
    const done = rounds.filter((round) => round !== null)
    if (done.length < rounds.length) return []
    return [{ about, rates: done.map(({ rate }) => rate), cpus: done.map(({ cpu }) => cpu) }]
  })
  const fastest = (/** @type {typeof measured} */ among) =>
    among.toSorted((one, other) => median(other.rates) - median(one.rates))[0]
  const peers = measured.filter(({ about }) => !about.ours && !about.limit && !(operation === 'mix' && about.touchesLess))
  const best = fastest(peers)
  const readme = fastest(peers.filter(({ about }) => !about.tuned))
  const limit = fastest(measured.filter(({ about }) => about.limit))
  const rows = measured.map(({ about, rates, cpus }) => ({
    ...about,
    rate: median(rates),
    spread: spread(rates),
    cpu: median(cpus),
    toReadme: ratio(rates, readme?.rates ?? []),
    toBest: ratio(rates, best?.rates ?? []),
    toLimit: ratio(rates, limit?.rates ?? []),
  }))
  return { rows, ...(readme && { readme: readme.about.name }), ...(best && { best: best.about.name }) }
}
