// Writes the results: RESULTS.md, its charts, and the tables of the README.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chartsOf } from './drawings.js'
import { markdown } from './report.js'
import { readmeSummary } from './summary.js'

const repository = join(import.meta.dirname, '../..')
const [OPEN, CLOSE] = ['<!-- bench -->', '<!-- /bench -->']

/**
 * @param {readonly import('./results-store.js').Part[]} parts
 * @param {readonly string[]} omitted what could not be measured, and why
 * @param {string} [folder] of the repository
 */
export async function writeResults(parts, omitted, folder = repository) {
  const results = join(folder, 'bench/results')
  const charts = chartsOf(parts)
  await rm(join(results, 'charts'), { recursive: true, force: true })
  await mkdir(join(results, 'charts'), { recursive: true })
  for (const [name, chart] of Object.entries(charts)) await writeFile(join(results, 'charts', `${name}.svg`), chart)
  await writeFile(join(results, 'RESULTS.md'), markdown(parts, omitted, Object.keys(charts)))
  const short = readmeSummary(parts)
  if (short === '') return
  const readme = join(folder, 'README.md')
  await writeFile(readme, withTables(await readFile(readme, 'utf8'), `${measuredOn(parts)}\n\n${short}`))
}

/** @param {readonly import('./results-store.js').Part[]} parts */
function measuredOn(parts) {
  const dates = [...new Set(parts.map(({ date }) => date))].sort()
  const machines = [...new Set(parts.map(({ node, machine }) => `Node ${node}, ${machine}`))]
  return `Measured on ${dates.join(' and ')} on ${machines.join(' and ')}.`
}

/** Replaces what is between the markers; the text is as before if it has none. @param {string} text @param {string} tables */
export function withTables(text, tables) {
  const [from, to] = [text.indexOf(OPEN), text.indexOf(CLOSE)]
  if (from < 0 || to < from) return text
  return `${text.slice(0, from + OPEN.length)}\n\n${tables}\n\n${text.slice(to)}`
}
