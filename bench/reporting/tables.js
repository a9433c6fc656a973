// The tables of each question.
import { isNumber, LESS, nameOf, short, size, table, times } from './format.js'

/**
 * @typedef {import('../questions/operations.js').Answer} Cell
 * @typedef {{ title: string, note: string, tables: (answer: any) => string }} Question
 */

/** @type {Question} */
const operations = {
  title: 'Operations',
  note:
    '`mix` is what express-session does for a request: get, then nine times in ten a touch and once a set. Each store is driven as ' +
    'express-session drives it, and has a process of its own; the stores take turns. A cell: operations a second ± spread of the rounds · CPU µs of ' +
    'the client process · times the fastest peer as its README says / times the fastest peer at any of its settings (one figure where they are the ' +
    `same) · share of the fastest bare client. ${LESS}`,
  tables({ answers }) {
    return [...byKind(answers)].map(([kind, cells]) => `**${kind}**\n\n${operationTable(cells)}`).join('\n\n')
  },
}

/** @param {readonly Cell[]} answers @returns {Map<string, Cell[]>} */
function byKind(answers) {
  const groups = new Map()
  for (const answer of answers) {
    const kind = `\`${answer.operation}\`, ${size(answer.bytes)}, ${answer.sessions} sessions`
    groups.set(kind, [...(groups.get(kind) ?? []), answer])
  }
  for (const cells of groups.values()) cells.sort((one, other) => one.concurrency - other.concurrency)
  return groups
}

/** @param {readonly Cell[]} cells */
function operationTable(cells) {
  const columns = ['store', ...cells.map(({ concurrency }) => `${concurrency} at a time`)]
  const names = [...new Map(cells.flatMap(({ rows }) => rows).map((row) => [row.name, row])).values()]
  return table(
    columns,
    names.map((first) => [
      nameOf({ ...first, touchesLess: first.touchesLess && cells[0]?.operation === 'mix' }),
      ...cells.map((cell) => operationCell(cell, first.name)),
    ]),
  )
}

/** @param {Cell} cell @param {string} name */
function operationCell(cell, name) {
  const row = cell.rows.find((each) => each.name === name)
  if (row === undefined) return '–'
  const parts = [`${short(row.rate)} ±${Math.round(row.spread * 100)} %`, `${short(row.cpu)} µs`]
  if (!row.limit && isNumber(row.toBest)) parts.push(toPeers(cell, row))
  if (!row.limit && isNumber(row.toLimit)) parts.push(row.toLimit.toFixed(2))
  return parts.join(' · ')
}

/** `1.50 / 1.02 ×`, or `1.50 ×` where it is the same peer. @param {Cell} cell @param {import('../questions/operations.js').Row} row */
export function toPeers(cell, row) {
  if (!isNumber(row.toReadme) || cell.readme === cell.best) return times(row.toBest)
  return `${row.toReadme.toFixed(2)} / ${times(row.toBest)}`
}

/** @type {Question} */
const distance = {
  title: 'A server one millisecond away',
  note:
    'Express, express-session and the store in one process, asked over HTTP from another. All data takes half a millisecond in each direction between ' +
    'the store and its server; the bandwidth is not limited. First, requests arrive one by one, 400 a second, with exponential gaps: how many round ' +
    'trips one needs, how long (ms) it waits for its store, times the wait for the peer with the shortest, and how long it takes altogether. Then 32 ' +
    'connections are always busy: requests a second, ms, and CPU µs of the application. Sessions of 2 kB; one request in ten changes its session. ' +
    `${LESS}`,
  tables({ roundTrip, rows }) {
    const columns = [
      ...['store', 'round trips', 'waits', 'of the best peer', 'median', '99 %'],
      ...['busy: a second', 'median', '99 %', 'CPU'],
    ]
    const lines = rows.map((/** @type {import('../questions/distance.js').Row} */ row) => [
      ...[nameOf(row), row.roundTrips.toFixed(2), short(row.wait), times(row.toBest), short(row.median), short(row.p99)],
      ...[short(row.busyRate), short(row.busyMedian), short(row.busy99), short(row.busyCpu)],
    ])
    return `An echo from there took ${roundTrip.toFixed(2)} ms.\n\n${table(columns, lines)}`
  },
}

/** @type {Question} */
const young = {
  title: 'Young processes',
  note:
    'CPU µs of a request (`mix`, 2 kB, 16 at a time) in a process that has just started: the first thousand, the next nine thousand, and ten thousand ' +
    'after it has been busy for two seconds; and the first ten thousand, times those of the cheapest peer. Medians of several processes. ' +
    'Sessions in memory are stored by the same process, all others by another one before.',
  tables({ rows }) {
    return table(
      ['store', 'first 1,000', 'next 9,000', 'after warm-up', 'first 10,000', 'of the cheapest peer'],
      rows.map((/** @type {import('../questions/young.js').Row} */ row) => [
        ...[nameOf(row), short(row.first), short(row.next), short(row.last), short(row.young), times(row.toCheapest)],
      ]),
    )
  },
}

/** @type {Question} */
const startUp = {
  title: 'Start-up',
  note:
    'A new process with express-session: ms until the package of the store is loaded, and until the store, with its client, has answered a first `get`; ' +
    'MB of resident memory then. Packages and MB that `npm install` brings besides express-session, on the platform of this run; compiled ' +
    'packages with what the compiler has left.',
  tables({ rows }) {
    return table(
      ['store', 'loaded, ms', 'first answer, ms', 'memory, MB', 'packages', 'installed, MB'],
      rows.map((/** @type {import('../questions/start-up.js').Row} */ row) => [
        ...[
          nameOf(row),
          short(row.load),
          short(row.answer),
          row.memory.toFixed(0),
          String(row.packages),
          row.megabytes.toFixed(1),
        ],
      ]),
    )
  },
}

/** @type {Question} */
const requests = {
  title: 'Whole requests',
  note:
    'Express, express-session and the store in one process, asked over HTTP from another: by 32 connections that are always busy, and by 600 requests a ' +
    'second that arrive one by one, with exponential gaps. CPU µs of the application for one request. Sessions of 2 kB; one request in ten ' +
    'changes its session.',
  tables({ rows }) {
    return table(
      ['store', 'busy: a second', 'CPU', 'more than doing nothing', 'one by one: CPU', 'ms, median', 'ms, 99 %'],
      rows.map((/** @type {import('../questions/requests.js').Row} */ row) => [
        nameOf(row),
        short(row.rate),
        `${short(row.cpu)} ±${Math.round(row.spread * 100)} %`,
        isNumber(row.toNothing) ? `${((row.toNothing - 1) * 100).toFixed(0)} %` : '–',
        ...[short(row.openCpu), short(row.openMedian), short(row.open99)],
      ]),
    )
  },
}

/** @type {Question} */
const memory = {
  title: 'Bytes a session',
  note: 'Heap and buffers after garbage collection, of 100,000 sessions of 2 kB.',
  tables({ rows }) {
    return table(
      ['store', 'bytes'],
      rows.map((/** @type {import('../questions/memory.js').Row} */ row) => [nameOf(row), row.bytes.toFixed(0)]),
    )
  },
}

const WORKS = /** @type {const} */ (['length', 'all', 'entries', 'purge', 'clear'])

/** @type {Question} */
const administration = {
  title: 'Work on all sessions',
  note:
    'Milliseconds, and in brackets the longest time that the event loop of the process was blocked. Half of the sessions have expired when ' +
    '`purge` runs. `all` keeps every session in one list, `entries` yields one after the other. What changes nothing is run three times, and ' +
    'this is the median. Sessions of 200 B; one store after the other, each in a new process, alone in the database.',
  tables({ rows }) {
    return table(
      ['store', 'sessions', ...WORKS],
      rows.map((/** @type {import('../questions/administration.js').Row} */ row) => [
        nameOf(row),
        String(row.count),
        ...WORKS.map((work) => {
          const done = row.done[work]
          if (done === undefined) return '–'
          return 'failed' in done ? `fails: ${done.failed}` : `${short(done.ms)} (${short(done.block)})`
        }),
      ]),
    )
  },
}

/** In the order of RESULTS.md. @type {Record<string, Question>} */
export const questions = { operations, distance, young, 'start-up': startUp, requests, memory, administration }
