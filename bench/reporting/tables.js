// The tables of each question.
import * as administrationQuestion from '../questions/administration.js'
import * as arrivalsQuestion from '../questions/arrivals.js'
import * as memoryQuestion from '../questions/memory.js'
import * as operationsQuestion from '../questions/operations.js'
import * as requestsQuestion from '../questions/requests.js'

/** Three digits. @param {number} value */
export function short(value) {
  if (!Number.isFinite(value)) return '–'
  if (value >= 1_000) return `${(value / 1000).toFixed(value >= 100_000 ? 0 : 1)}k`
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2)
}

/** @param {readonly string[]} columns @param {readonly (readonly string[])[]} rows */
function table(columns, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

/** @param {{ name: string, ours?: boolean }} row */
const nameOf = ({ name, ours }) => (ours ? `**${name}**` : name)

export const operations = {
  title: operationsQuestion.title,
  note: `${operationsQuestion.note} A cell: operations a second ± spread of the rounds · CPU µs of the client process · times the fastest peer · share of the fastest bare client.`,
  /** @param {{ answers: import('../questions/operations.js').Answer[] }} answer */
  tables({ answers }) {
    const groups = byKind(answers)
    return [...groups].map(([kind, cells]) => `**${kind}**\n\n${operationTable(cells)}`).join('\n\n')
  },
}

/** @param {import('../questions/operations.js').Answer} cell */
const kindOf = ({ operation, bytes, sessions, distribution }) =>
  `\`${operation}\`, ${bytes >= 1000 ? `${bytes / 1000} kB` : `${bytes} B`}, ${sessions} sessions${distribution === 'zipf' ? ', popular ones more often (Zipf)' : ''}`

/** @param {import('../questions/operations.js').Answer[]} answers */
function byKind(answers) {
  /** @type {Map<string, import('../questions/operations.js').Answer[]>} */
  const groups = new Map()
  for (const answer of answers) groups.set(kindOf(answer), [...(groups.get(kindOf(answer)) ?? []), answer])
  return groups
}

/** @param {import('../questions/operations.js').Answer[]} cells */
function operationTable(cells) {
  const columns = ['store', ...cells.map(({ concurrency }) => `${concurrency} at a time`)]
  const names = cells[0]?.rows ?? []
  return table(
    columns,
    names.map((first) => [
      nameOf(first),
      ...cells.map(({ rows }) => {
        const row = rows.find(({ name }) => name === first.name)
        if (row === undefined) return '–'
        const ofPeer = row.limit || !Number.isFinite(row.toPeer) ? '' : ` · ${row.toPeer.toFixed(2)} ×`
        const ofLimit = row.limit || !Number.isFinite(row.toLimit) ? '' : ` · ${row.toLimit.toFixed(2)}`
        return `${short(row.rate)} ±${Math.round(row.spread * 100)} % · ${short(row.cpu)} µs${ofPeer}${ofLimit}`
      }),
    ]),
  )
}

export const arrivals = {
  title: arrivalsQuestion.title,
  note: arrivalsQuestion.note,
  /** @param {{ rows: import('../questions/arrivals.js').Row[] }} answer */
  tables({ rows }) {
    const columns = ['store', ...(rows[0]?.at ?? []).map(({ rate }) => `${rate} a second`)]
    return table(
      columns,
      rows.map((row) => [nameOf(row), ...row.at.map(({ median, p99 }) => `${short(median)} · ${short(p99)}`)]),
    )
  },
}

export const requests = {
  title: requestsQuestion.title,
  note: requestsQuestion.note,
  /** @param {{ rate: number, rows: import('../questions/requests.js').Row[] }} answer */
  tables({ rate, rows }) {
    const columns = [
      'store',
      'requests a second',
      'CPU µs',
      'more than doing nothing',
      `CPU µs at ${rate} a second`,
      'ms, median',
      'ms, 99 %',
    ]
    return table(
      columns,
      rows.map((row) => [
        nameOf(row),
        short(row.rate),
        `${short(row.cpu)} ±${Math.round(row.spread * 100)} %`,
        `${((row.toNothing - 1) * 100).toFixed(0)} %`,
        short(row.openCpu),
        short(row.openMedian),
        short(row.open99),
      ]),
    )
  },
}

export const memory = {
  title: memoryQuestion.title,
  note: memoryQuestion.note,
  /** @param {{ rows: import('../questions/memory.js').Row[] }} answer */
  tables({ rows }) {
    return table(
      ['store', 'bytes'],
      rows.map((row) => [nameOf(row), row.bytes.toFixed(0)]),
    )
  },
}

export const administration = {
  title: administrationQuestion.title,
  note: administrationQuestion.note,
  /** @param {{ rows: import('../questions/administration.js').Row[] }} answer */
  tables({ rows }) {
    return table(
      ['store', 'sessions', 'foreign keys', 'length', 'all', 'entries', 'purge', 'clear'],
      rows.map((row) => [
        nameOf(row),
        String(row.count),
        String(row.foreign),
        .../** @type {const} */ (['length', 'all', 'entries', 'purge', 'clear']).map((work) => {
          const done = row.done[work]
          if (done === undefined) return '–'
          return 'failed' in done ? `fails: ${done.failed}` : `${short(done.ms)} (${short(done.block)})`
        }),
      ]),
    )
  },
}
