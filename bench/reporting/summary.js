// The short tables: what is faster, what is not, and on which server.
import { titles } from '../stores/index.js'
import { isNumber, LESS, nameOf, serverName, short, table, times } from './format.js'
import { toPeers } from './tables.js'

/**
 * @typedef {import('./results-store.js').Part} Part
 * @typedef {import('../questions/operations.js').Answer} Cell
 */

/** The cells of the first table, each a column. @type {readonly (readonly [title: string, cell: Partial<Cell>])[]} */
const COLUMNS = [
  ['`get`', { operation: 'get', concurrency: 16, bytes: 2_000 }],
  ['`set`', { operation: 'set', concurrency: 16, bytes: 2_000 }],
  ['`mix`', { operation: 'mix', concurrency: 16, bytes: 2_000 }],
  ['`mix` at 1', { operation: 'mix', concurrency: 1, bytes: 2_000 }],
  ['`mix` at 128', { operation: 'mix', concurrency: 128, bytes: 2_000 }],
  ['`mix`, 200 B', { operation: 'mix', concurrency: 16, bytes: 200 }],
  ['`mix`, 20 kB', { operation: 'mix', concurrency: 16, bytes: 20_000 }],
]
const [, , MIX] = COLUMNS

/** Whether a store is one of ours that does as much as the others. @param {{ ours: boolean, touchesLess: boolean }} row */
const isShown = ({ ours, touchesLess }) => ours && !touchesLess

/** All short tables, for RESULTS.md. @param {readonly Part[]} parts @returns {string} empty if there is nothing for them */
export function summary(parts) {
  return joined(
    verdict(answersTo('operations', parts)),
    requests(answersTo('requests', parts)),
    operations(answersTo('operations', parts)),
    distance(answersTo('distance', parts)),
    young(answersTo('young', parts)),
  )
}

/** The tables of the README: what a reader takes in within half a minute. @param {readonly Part[]} parts @returns {string} */
export function readmeSummary(parts) {
  return joined(verdict(answersTo('operations', parts)), operations(answersTo('operations', parts)))
}

/** @param {string} question @param {readonly Part[]} parts */
function answersTo(question, parts) {
  return Object.keys(titles).flatMap((backend) => parts.filter((part) => part.question === question && part.backend === backend))
}

/** @param {readonly string[]} texts */
function joined(...texts) {
  return texts.filter((text) => text !== '').join('\n\n')
}

const VERDICT_AT = [1, 16, 128]
/** A difference of less is none. */
const SAME = 0.05

/** In three lines, which stores are faster than their peers. @param {readonly Part[]} parts */
function verdict(parts) {
  /** @type {Record<string, string[]>} */
  const groups = { Faster: [], 'Faster or slower': [], Slower: [] }
  for (const { backend, server, answer } of parts) {
    const cells = VERDICT_AT.map((concurrency) => find(answer.answers, { operation: 'mix', concurrency, bytes: 2_000 }))
    const ratios = cells.map((cell) => cell?.rows.find(isShown)?.toBest)
    if (!ratios.every(isNumber)) continue
    const isFaster = ratios.every((ratio) => ratio > 1 - SAME)
    const group = isFaster ? 'Faster' : ratios.every((ratio) => ratio < 1 + SAME) ? 'Slower' : 'Faster or slower'
    const title = `${titles[/** @type {keyof typeof titles} */ (backend)]}${server?.isReal === false ? ' (a stand-in)' : ''}`
    groups[group]?.push(`${title} ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`)
  }
  const lines = Object.entries(groups).flatMap(([name, stores]) =>
    stores.length === 0 ? [] : `* **${name}**: ${stores.join('; ')}`,
  )
  if (lines.length === 0) return ''
  const note =
    'The rate of the session operations of requests (`mix`: `get`, then `touch`, or one time in ten `set`), divided by that of the fastest peer with its ' +
    'fastest settings. Three figures: one request at a time, 16 and 128. Sessions of 2 kB.'
  return `${note}\n\n${lines.join('\n')}`
}

/** @param {readonly Part[]} parts */
function requests(parts) {
  const rows = parts.flatMap(({ answer }) => {
    const all = /** @type {import('../questions/requests.js').Row[]} */ (answer.rows)
    const peers = all.filter(({ ours, limit, touchesLess }) => !ours && !limit && !touchesLess)
    const fastest = peers.toSorted((one, other) => other.rate - one.rate)[0]
    return all
      .filter(isShown)
      .map((row) => [
        ...[row.name, fastest?.name ?? '–', short(row.rate), times(fastest && row.rate / fastest.rate)],
        ...[`${short(row.openCpu)} µs`, times(fastest && row.openCpu / fastest.openCpu)],
      ])
  })
  if (rows.length === 0) return ''
  const note =
    'Whole HTTP requests, without a server or with one on the same machine. The rate: 32 connections that are always busy. The CPU of a request: 600 requests a second, one ' +
    'after another. Both are divided by those of the peer with the highest rate.'
  return `${note}\n\n${table(['store', 'peer', 'a second', 'of the peer', 'one by one: CPU', 'of the peer'], rows, 2)}`
}

/** @param {readonly Part[]} parts */
function operations(parts) {
  const rows = parts.flatMap(({ server, answer }) => {
    const answers = /** @type {Cell[]} */ (answer.answers)
    const mix = find(answers, MIX?.[1] ?? {})
    return (mix?.rows ?? [])
      .filter(isShown)
      .map((row) => [
        row.name,
        serverName(server),
        against(mix),
        ...COLUMNS.map(([, wanted]) => figure(find(answers, wanted), row.name)),
      ])
  })
  if (rows.length === 0) return ''
  const note =
    'Operations a second, divided by those of the fastest peer. Two figures: the peers with the settings of their READMEs / with their fastest settings. ' +
    'One figure: both are the same. Sessions of 2 kB, 16 at a time, unless the column says otherwise.'
  return `${note}\n\n${table(['store', 'server', 'peer', ...COLUMNS.map(([title]) => title)], rows, 3)}`
}

/** @param {readonly Cell[]} cells @param {Partial<Cell>} wanted */
function find(cells, wanted) {
  return cells.find((cell) => Object.entries(wanted).every(([key, value]) => cell[/** @type {keyof Cell} */ (key)] === value))
}

/** The peers that a row is compared with. @param {Cell | undefined} mix */
function against(mix) {
  if (mix?.best === undefined) return 'none: share of the bare client'
  return mix.readme === undefined || mix.readme === mix.best ? mix.best : `${mix.readme} / ${mix.best}`
}

/** @param {Cell | undefined} cell @param {string} name */
function figure(cell, name) {
  const row = cell?.rows.find((each) => each.name === name)
  if (cell === undefined || row === undefined) return '–'
  if (cell.best !== undefined) return toPeers(cell, row)
  return isNumber(row.toLimit) ? row.toLimit.toFixed(2) : '–'
}

/** @param {readonly Part[]} parts */
function distance(parts) {
  const rows = parts.flatMap(({ server, answer }) =>
    /** @type {import('../questions/distance.js').Row[]} */ (answer.rows)
      .filter(({ name }) => name.includes('connect-'))
      .map((row) => [
        ...[nameOf(row), serverName(server), row.roundTrips.toFixed(1), `${short(row.wait)} ms`, times(row.toBest)],
        ...[`${short(row.median)} ms`, `${short(row.p99)} ms`],
      ]),
  )
  if (rows.length === 0) return ''
  const note =
    'Whole HTTP requests, with the server one millisecond away: the round trips of a request, its wait for the store, that wait divided by the wait ' +
    `for the best peer, and the time of the whole request. ${LESS}`
  const columns = ['store', 'server', 'round trips', 'wait', 'of the best peer', 'median', '99 %']
  return `${note}\n\n${table(columns, rows, 2)}`
}

/** @param {readonly Part[]} parts */
function young(parts) {
  const rows = parts.flatMap(({ server, answer }) => {
    const all = /** @type {import('../questions/young.js').Row[]} */ (answer.rows)
    const cheapest = all.filter(({ ours }) => !ours).toSorted((one, other) => one.young - other.young)[0]
    return all
      .filter(({ ours }) => ours)
      .map((row) => [
        ...[row.name, serverName(server), cheapest?.name ?? '–', `${short(row.young)} µs`, times(row.toCheapest)],
        ...[`${short(row.last)} µs`, times(cheapest && row.last / cheapest.last)],
      ])
  })
  if (rows.length === 0) return ''
  const note =
    'CPU of a request in a young process and after warm-up, and both divided by those of the cheapest peer: less than 1 is better.'
  const columns = ['store', 'server', 'peer', 'first 10,000 requests', 'of the peer', 'after warm-up', 'of the peer']
  return `${note}\n\n${table(columns, rows, 3)}`
}
