// Which charts are drawn.
import { titles } from '../stores/index.js'
import { barChart, growthChart } from './charts.js'

/** @typedef {import('./results-store.js').Part} Part */

/** The charts by name. @param {readonly Part[]} parts @returns {Record<string, string>} */
export function chartsOf(parts) {
  const of = (/** @type {string} */ question) => parts.filter((part) => part.question === question && titles[part.backend])
  return Object.fromEntries([
    ...of('operations').flatMap(operations),
    ...of('distance').map(distance),
    ...of('administration').flatMap((part) => ['length', 'purge'].flatMap((work) => growth(part, work))),
  ])
}

/** @param {{ ours: boolean, limit?: boolean }} row @returns {'ours' | 'limit' | 'peer'} */
const kindOf = ({ ours, limit }) => (ours ? 'ours' : limit ? 'limit' : 'peer')

/** @param {{ name: string, touchesLess?: boolean }} row */
const nameOf = ({ name, touchesLess }) => (touchesLess ? `${name} †` : name)

/** @param {Part} part @returns {(readonly [name: string, chart: string])[]} */
function operations({ backend, answer }) {
  /** @type {import('../questions/operations.js').Answer | undefined} */
  const cell = answer.answers.find(
    (/** @type {any} */ one) => one.operation === 'mix' && one.bytes === 2_000 && one.concurrency === 128,
  )
  if (cell === undefined) return []
  const bars = cell.rows.map((row) => ({ name: nameOf(row), value: row.rate, kind: kindOf(row) }))
  const title = `${titles[backend]}: requests' work on sessions of 2 kB a second, 128 at a time`
  return [[`operations-${backend}`, barChart(title, bars)]]
}

/** @param {Part} part @returns {readonly [name: string, chart: string]} */
function distance({ backend, answer }) {
  const rows = /** @type {import('../questions/distance.js').Row[]} */ (answer.rows)
  const bars = rows.map((row) => ({ name: nameOf(row), value: row.wait, kind: kindOf(row) }))
  return [`distance-${backend}`, barChart(`${titles[backend]}, a millisecond away: ms that a request waits for its store`, bars)]
}

/** @param {Part} part @param {string} work @returns {(readonly [name: string, chart: string])[]} */
function growth({ backend, answer: { rows } }, work) {
  const names = [...new Set(rows.map((/** @type {any} */ row) => row.name))]
  const lines = names
    .map((name) => {
      const own = rows.filter((/** @type {any} */ row) => row.name === name && row.done[work]?.ms !== undefined)
      return { name, kind: own[0] && kindOf(own[0]), points: own.map((/** @type {any} */ row) => [row.count, row.done[work].ms]) }
    })
    .filter(({ points }) => points.length > 1)
  if (lines.length === 0) return []
  return [[`${work}-${backend}`, growthChart(`${titles[backend]}: ${work}`, 'ms', /** @type {any} */ (lines))]]
}
