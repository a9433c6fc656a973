// What was measured, as Markdown and as charts.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { backendNames, backendOf } from '../stores/index.js'
import { barChart, growthChart } from './charts.js'
import { administration, arrivals, memory, operations, requests, short } from './tables.js'

/** @typedef {import('./results-store.js').Part} Part */

const results = join(import.meta.dirname, '../results')
const writers = { operations, arrivals, requests, memory, administration }

/** @type {Record<string, string>} */
const titles = Object.fromEntries(await Promise.all(backendNames.map(async (name) => [name, (await backendOf(name)).title])))

/** @param {readonly Part[]} parts @param {readonly string[]} omitted @param {boolean} [withCharts] */
export function markdown(parts, omitted, withCharts = false) {
  const answers = answersOf(parts)
  const lines = ['# Results', '', ...circumstances(parts), '', '## In short', '', summary(answers), '']
  if (withCharts)
    for (const name of Object.keys(chartsOf(answers))) lines.push(`![${name.replaceAll('-', ' ')}](charts/${name}.svg)`, '')
  for (const [question, write] of Object.entries(writers)) {
    if (answers[question] === undefined) continue
    const { title, note } = write
    lines.push(`## ${title}`, '', note, '')
    for (const [backend, answer] of Object.entries(answers[question])) {
      lines.push(`### ${title}: ${titles[backend]}`, '', write.tables(answer), '')
    }
  }
  const reasons = parts.flatMap(({ backend, question, missing }) =>
    missing.map((reason) => `${titles[backend]}, ${question}: ${reason}`),
  )
  const left = [...omitted, ...reasons].map((reason) => `- ${reason.replaceAll('\n', ' ')}`)
  if (left.length > 0) lines.push('## Left out', '', ...left, '')
  return `${lines.join('\n').trimEnd()}\n`
}

/** @typedef {Record<string, Record<string, any>>} Answers by question and backend, in our order */

/** @param {readonly Part[]} parts @returns {Answers} */
function answersOf(parts) {
  /** @type {Answers} */
  const answers = {}
  for (const question of Object.keys(writers)) {
    for (const name of backendNames) {
      const part = parts.find((each) => each.question === question && each.backend === name)
      if (part !== undefined) answers[question] = { ...answers[question], [name]: part.answer }
    }
  }
  return answers
}

/** @param {readonly Part[]} parts */
function circumstances(parts) {
  const kind = parts.every(({ quick }) => quick) ? 'a quick run of ' : ''
  const versions = new Set(
    parts.flatMap(({ versions }) => Object.entries(versions).map(([name, version]) => `${name} ${version}`)),
  )
  return [
    `Measured by ${kind}\`npm run bench\`, ${Math.round(minutesOf(parts))} minutes in all.`,
    '',
    '| | measured | load average before | minutes | machine | server |',
    '|---|---|--:|--:|---|---|',
    ...occasions(parts),
    '',
    `Peers and clients: ${[...versions].join(', ')}.`,
    '',
    'Absolute figures depend on the machine and on what else it does; the ratios compare what ran in the same round, and are medians ' +
      'over the rounds. Rows in which a peer wins are shown like all others.',
  ]
}

const minutesOf = (/** @type {readonly Part[]} */ parts) => parts.reduce((sum, { minutes }) => sum + minutes, 0)

/** What was measured on one day on one machine, backend by backend. @param {readonly Part[]} parts */
function occasions(parts) {
  return backendNames.flatMap((name) => {
    /** @type {Map<string, Part[]>} */
    const groups = new Map()
    for (const part of parts.filter(({ backend }) => backend === name)) {
      const occasion = `${part.date} ${part.node} ${part.machine}`
      groups.set(occasion, [...(groups.get(occasion) ?? []), part])
    }
    return [...groups.values()].map((group) => {
      const { date, node, machine, load, server } = /** @type {Part} */ (group[0])
      const questions = groups.size === 1 ? '' : `: ${group.map(({ question }) => question).join(', ')}`
      const figures = `${load.toFixed(1)} | ${Math.round(minutesOf(group))}`
      return `| ${titles[name]}${questions} | ${date} | ${figures} | Node ${node}, ${machine} | ${server || '–'} |`
    })
  })
}

/** The best of our stores against the best peer, at what a request does. @param {Answers} answers */
function summary(answers) {
  const rows = Object.entries(answers['operations'] ?? {}).flatMap(([, answer]) => {
    const at = (/** @type {number} */ concurrency, distribution = 'uniform') =>
      answer.answers.find(
        (/** @type {any} */ cell) =>
          cell.operation === 'mix' &&
          cell.bytes === 2_000 &&
          cell.concurrency === concurrency &&
          cell.distribution === distribution,
      )
    const peers = at(16).rows.filter((/** @type {any} */ row) => !row.ours && !row.limit)
    return at(16)
      .rows.filter((/** @type {any} */ row) => row.ours)
      .map((/** @type {any} */ row) => {
        const cell = (/** @type {any} */ measured) => {
          const mine = measured?.rows.find((/** @type {any} */ other) => other.name === row.name)
          if (mine === undefined) return '–'
          return peers.length === 0
            ? `${short(mine.rate)}/s, ${mine.toLimit.toFixed(2)} of it`
            : `${short(mine.rate)}/s: ${mine.toPeer.toFixed(1)} × (${mine.toPeerCpu.toFixed(1)} ×)`
        }
        const against = peers.length === 0 ? 'the bare client' : bestOf(peers)
        return `| ${row.name} | ${against} | ${cell(at(16))} | ${cell(at(128))} | ${cell(at(128, 'zipf'))} |`
      })
  })
  const head = [
    '| store | against the fastest peer | 16 at a time | 128 at a time | 128, popular ones more often |',
    '|---|---|--:|--:|--:|',
  ]
  const legend =
    'Requests’ work on sessions of 2 kB (`mix`): a second, times the fastest peer, and in brackets by CPU instead, times the most frugal one.'
  return [legend, '', ...head, ...rows].join('\n')
}

/** @param {{ name: string, rate: number }[]} rows */
const bestOf = (rows) => rows.toSorted((one, other) => other.rate - one.rate)[0]?.name

/** @param {Answers} answers @returns {Record<string, string>} */
function chartsOf(answers) {
  /** @type {Record<string, string>} */
  const charts = {}
  for (const [backend, answer] of Object.entries(answers['operations'] ?? {})) {
    const cell = answer.answers.find(
      (/** @type {any} */ one) => one.operation === 'mix' && one.bytes === 2_000 && one.concurrency === 128,
    )
    const bars = cell.rows.map((/** @type {any} */ row) => ({
      name: row.name,
      value: row.rate,
      kind: row.ours ? 'ours' : row.limit ? 'limit' : 'peer',
    }))
    charts[`operations-${backend}`] = barChart(
      `${titles[backend]}: requests' work on sessions of 2 kB a second, 128 at a time`,
      bars,
    )
  }
  for (const [backend, { rows }] of Object.entries(answers['administration'] ?? {})) {
    for (const work of ['length', 'purge']) {
      const names = [...new Set(rows.map((/** @type {any} */ row) => row.name))]
      const lines = names
        .map((name) => {
          const own = rows.filter(
            (/** @type {any} */ row) => row.name === name && row.foreign === 0 && row.done[work]?.ms !== undefined,
          )
          return {
            name,
            kind: own[0]?.ours ? 'ours' : 'peer',
            points: own.map((/** @type {any} */ row) => [row.count, row.done[work].ms]),
          }
        })
        .filter(({ points }) => points.length > 1)
      if (lines.length > 0)
        charts[`${work}-${backend}`] = growthChart(`${titles[backend]}: ${work}`, 'ms', /** @type {any} */ (lines))
    }
  }
  return charts
}

/** @param {readonly Part[]} parts @param {readonly string[]} omitted */
export async function writeResults(parts, omitted) {
  const answers = answersOf(parts)
  const folder = join(results, 'charts')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  for (const [name, chart] of Object.entries(chartsOf(answers))) await writeFile(join(folder, `${name}.svg`), chart)
  await writeFile(join(results, 'RESULTS.md'), markdown(parts, omitted, true))
  await writeBetweenMarkers(join(results, '../../README.md'), summary(answers))
}

/** @param {string} file @param {string} table */
async function writeBetweenMarkers(file, table) {
  const text = await readFile(file, 'utf8').catch(() => '')
  const [open, close] = ['<!-- bench -->', '<!-- /bench -->']
  const [from, to] = [text.indexOf(open), text.indexOf(close)]
  if (from < 0 || to < from) return
  await writeFile(file, `${text.slice(0, from + open.length)}\n\n${table}\n\n${text.slice(to)}`)
}
