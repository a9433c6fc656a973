// What was measured, as Markdown.
import { titles } from '../stores/index.js'
import { serverName } from './format.js'
import { summary } from './summary.js'
import { questions } from './tables.js'

/** @typedef {import('./results-store.js').Part} Part */

const backendNames = Object.keys(titles)

/** @param {readonly Part[]} parts @param {readonly string[]} omitted what could not be measured, and why @param {readonly string[]} [charts] their names */
export function markdown(parts, omitted, charts = []) {
  const short = summary(parts)
  const lines = ['# Results', '', ...circumstances(parts), '', ...(short === '' ? [] : ['## In short', '', short, ''])]
  for (const name of charts) lines.push(`![${name.replaceAll('-', ' ')}](charts/${name}.svg)`, '')
  for (const [question, { title, note, tables }] of Object.entries(questions)) {
    const own = inOrder(parts.filter((part) => part.question === question))
    if (own.length === 0) continue
    lines.push(`## ${title}`, '', note, '')
    for (const part of own) {
      lines.push(`### ${title}: ${titles[part.backend]}`, '', `Server: ${serverName(part.server)}.`, '', tables(part.answer), '')
    }
  }
  const reasons = parts.flatMap(({ backend, question, missing }) =>
    missing.map((reason) => `${titles[backend]}, ${question}: ${reason}`),
  )
  const left = [...omitted, ...reasons].map((reason) => `- ${reason.replaceAll('\n', ' ')}`)
  if (left.length > 0) lines.push('## Left out', '', ...left, '')
  return `${lines.join('\n').trimEnd()}\n`
}

/** By backend; those of backends that there are no more are left out. @param {readonly Part[]} parts */
function inOrder(parts) {
  return backendNames.flatMap((name) => parts.filter(({ backend }) => backend === name))
}

/** @param {readonly Part[]} parts */
function circumstances(parts) {
  const kind = parts.some(({ quick }) => quick) ? 'a quick run of ' : ''
  const versions = new Set(
    parts.flatMap(({ versions }) => Object.entries(versions).map(([name, version]) => `${name} ${version}`)),
  )
  return [
    `Measured by ${kind}\`npm run bench\`, ${Math.round(minutesOf(parts))} minutes in all.`,
    '',
    '| | measured | commit | load average before | minutes | machine | server |',
    '|---|---|---|--:|--:|---|---|',
    ...occasions(parts),
    '',
    `Peers and clients: ${[...versions].join(', ')}.`,
    '',
    'Absolute figures depend on the machine and on what else it does. Ratios compare what ran in the same round, and are medians over the rounds. Rows ' +
      'in which a peer wins are shown like all others.',
  ]
}

const minutesOf = (/** @type {readonly Part[]} */ parts) => parts.reduce((sum, { minutes }) => sum + minutes, 0)

/** What was measured of one backend on one day, on one machine and of one commit. @param {readonly Part[]} parts */
function occasions(parts) {
  return backendNames.flatMap((name) => {
    /** @type {Map<string, Part[]>} */
    const groups = new Map()
    for (const part of parts.filter(({ backend }) => backend === name)) {
      const occasion = `${part.date} ${part.commit} ${part.node} ${part.machine}`
      groups.set(occasion, [...(groups.get(occasion) ?? []), part])
    }
    return [...groups.values()].map((group) => {
      const { date, commit, node, machine, load, server } = /** @type {Part} */ (group[0])
      const asked = groups.size === 1 ? '' : `: ${group.map(({ question }) => question).join(', ')}`
      const figures = `${load.toFixed(1)} | ${minutesOf(group).toFixed(0)}`
      return `| ${titles[name]}${asked} | ${date} | ${commit || '–'} | ${figures} | Node ${node}, ${machine} | ${serverName(server)} |`
    })
  })
}
