// What does a request cost in a process that has just started?

import { median } from '../measuring/statistics.js'
import { startAll, workersOf } from '../measuring/workers.js'
import { FIRST, NEXT } from '../measuring/young.js'
import { backendOf } from '../stores/index.js'

export const backends = ['memory', 'postgres', 'redis', 'mongodb']
/** A quick run asks only these. */
export const quickBackends = ['memory', 'redis']

const RUNS = 4
/** How long (ms) a process is warmed up before its last requests. */
const WARM_UP = 2_000

/**
 * @typedef {import('../measuring/young.js').Young} Young
 * @typedef {import('../measuring/workers.js').About & Young & { young: number, toCheapest: number }} Row
 *   CPU µs of one request; `young`: of the first 10,000; `toCheapest`: times what they cost with the cheapest peer
 */

/**
 * @param {string} name
 * @param {{ url: string, quick: boolean, say: (text: string) => void }} setting
 */
export async function ask(name, { url, quick, say }) {
  const { server, sessions = 4_000 } = await backendOf(name)
  /** @type {Map<string, { about: import('../measuring/workers.js').About, runs: Young[] }>} */
  const measured = new Map()
  /** @type {Set<string>} */
  const missing = new Set()
  const inNewProcess = async (/** @type {number} */ index, /** @type {string} */ job, /** @type {unknown[]} */ args) => {
    const worker = (await workersOf(name, 'young', isAsked))[index]
    if (worker === undefined) return undefined
    const { started, missing: reasons } = await startAll([worker], url)
    for (const reason of reasons) missing.add(reason)
    try {
      if (started.length > 0) return { about: worker.about, result: await worker.do(job, ...args) }
    } catch (error) {
      missing.add(error instanceof Error ? error.message : String(error))
    } finally {
      await worker.stop()
    }
  }
  const count = (await workersOf(name, 'young', isAsked)).length
  const order = [...Array(count).keys()]
  const isFilled = server !== undefined
  // A process that has stored the sessions itself is not young any more.
  if (isFilled) for (const index of order) await inNewProcess(index, 'fill', [sessions, 2_000])
  const work = { sessions, isFilled, milliseconds: quick ? WARM_UP / 4 : WARM_UP }
  for (let run = 0; run < (quick ? 1 : RUNS); run += 1) {
    for (const index of run % 2 === 0 ? order : order.toReversed()) {
      const done = await inNewProcess(index, 'young', [work])
      if (done === undefined) continue
      const { about, result } = done
      const { runs } = measured.get(about.name) ?? { runs: [] }
      measured.set(about.name, { about, runs: [...runs, result] })
    }
    say(`run ${run + 1}`)
  }
  return { rows: rowsOf([...measured.values()]), missing }
}

/** @param {import('../stores/index.js').MeasuredStore} store */
const isAsked = ({ limit, touchesLess }) => !limit && !touchesLess

/** @param {readonly { about: import('../measuring/workers.js').About, runs: readonly Young[] }[]} measured @returns {Row[]} */
export function rowsOf(measured) {
  const rows = measured.map(({ about, runs }) => {
    const of = (/** @type {(young: Young) => number} */ cost) => median(runs.map(cost))
    const young = of(({ first, next }) => (first * FIRST + next * NEXT) / (FIRST + NEXT))
    return { ...about, first: of(({ first }) => first), next: of(({ next }) => next), last: of(({ last }) => last), young }
  })
  const cheapest = Math.min(...rows.filter(({ ours }) => !ours).map(({ young }) => young))
  return rows.map((row) => ({ ...row, toCheapest: row.young / cheapest }))
}
