// How many operations a second, and what does one cost? get, set, touch, and mix: what a request does.
import { backendOf } from '../candidates.js'
import { interleaved, membersOf, startAll } from '../crew.js'
import { median, ratio, spread } from '../statistics.js'

export const title = 'Operations'
export const note =
  '`mix` is what express-session does for a request: get, then nine times in ten a touch and once a set. ' +
  'Each store is driven as express-session drives it, and has a process of its own; the stores take turns.'

/** @typedef {{ operation: import('../drive.js').Operation, concurrency: number, bytes: number, distribution: 'uniform' | 'zipf' }} Cell */

/** @param {boolean} quick @returns {Cell[]} grouped by size, for the sessions are stored anew for each */
function cells(quick) {
  const operations = /** @type {const} */ (['mix', 'get', 'set', 'touch'])
  const uniform = /** @type {const} */ ('uniform')
  const zipf = /** @type {const} */ ('zipf')
  const of = (
    /** @type {number} */ bytes,
    /** @type {number[]} */ concurrencies,
    /** @type {readonly import('../drive.js').Operation[]} */ list = operations,
  ) => list.flatMap((operation) => concurrencies.map((concurrency) => ({ operation, concurrency, bytes, distribution: uniform })))
  const popular = [16, 128].map((concurrency) => ({
    operation: /** @type {const} */ ('mix'),
    concurrency,
    bytes: 2_000,
    distribution: zipf,
  }))
  if (quick) return [...of(2_000, [1, 16, 128], ['mix']), ...of(2_000, [128], ['get', 'set', 'touch']), ...popular]
  return [...of(2_000, [1, 16, 128]), ...popular, ...of(200, [16]), ...of(20_000, [16])]
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
  const { started, missing } = await startAll(await membersOf(backend), url)
  /** @type {Answer[]} */
  const answers = []
  try {
    let filled = 0
    for (const cell of cells(quick)) {
      const sessions = few ?? (cell.bytes > 10_000 ? 2_000 : 10_000)
      if (filled !== cell.bytes) for (const member of started) await member.do('fill', sessions, cell.bytes)
      filled = cell.bytes
      const milliseconds = quick ? 150 : 250
      const results = await interleaved(started, quick ? 3 : 7, (member) =>
        member.do('measure', { ...cell, sessions, milliseconds }),
      )
      answers.push({ ...cell, rows: rowsOf(results) })
      say(`${cell.operation} ${cell.bytes} B at ${cell.concurrency}, ${cell.distribution}`)
    }
  } finally {
    for (const member of started) await member.stop()
  }
  return { answers, missing }
}

/** @param {Map<import('../crew.js').Member, import('../drive.js').Measured[]>} results @returns {Row[]} */
function rowsOf(results) {
  const measured = [...results].map(([member, rounds]) => ({
    member,
    rates: rounds.map(({ rate }) => rate),
    cpus: rounds.map(({ cpu }) => cpu),
  }))
  const fastest = (/** @type {typeof measured} */ among) =>
    among.toSorted((one, other) => median(other.rates) - median(one.rates))[0]
  const cheapest = (/** @type {typeof measured} */ among) =>
    among.toSorted((one, other) => median(one.cpus) - median(other.cpus))[0]
  const peers = measured.filter(({ member }) => !member.ours && !member.limit)
  const limit = fastest(measured.filter(({ member }) => member.limit))
  return measured.map(({ member, rates, cpus }) => ({
    name: member.name,
    ours: member.ours,
    limit: member.limit,
    rate: median(rates),
    spread: spread(rates),
    cpu: median(cpus),
    toPeer: ratio(rates, fastest(peers)?.rates ?? []),
    toPeerCpu: ratio(cheapest(peers)?.cpus ?? [], cpus),
    toLimit: ratio(rates, limit?.rates ?? []),
  }))
}
