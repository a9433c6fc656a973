// The summary of `npm test`: what passed, failed and was left out, with reasons, and which files took longest.

/**
 * @typedef {import('./reporter.js').Results} Results
 * @typedef {import('./reporter.js').FileResult} FileResult
 * @typedef {import('./reporter.js').TestResult} TestResult
 * @typedef {Record<string, import('../../testing/servers/index.js').Provided>} Servers
 * @typedef {import('../totals.js').Totals & { name: string, milliseconds: number }} ProjectTotals
 * @typedef {{ projects: ProjectTotals[], leftOut: Map<string, number>, longest: FileResult[] }} Summary
 */

const LONGEST = 10

/**
 * @param {Results} results
 * @param {{ servers: Servers, hasChromium: boolean, env: NodeJS.ProcessEnv }} circumstances
 * @returns {Summary}
 */
export function summarize({ files, unhandledErrors }, circumstances) {
  /** @type {Map<string, ProjectTotals>} */
  const projects = new Map()
  /** @type {Map<string, number>} */
  const leftOut = new Map()
  for (const file of files) {
    const totals = projects.get(file.project) ?? { name: file.project, passed: 0, failed: 0, skipped: 0, milliseconds: 0 }
    projects.set(file.project, totals)
    totals.milliseconds += file.milliseconds
    for (const test of file.tests.filter((each) => !isOfUnnamedServer(each, circumstances.env))) {
      if (test.state === 'passed' || test.state === 'failed') totals[test.state]++
      else {
        totals.skipped++
        const reason = reasonFor(test, file, circumstances)
        leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1)
      }
    }
    // A file that cannot be loaded has no tests.
    if (file.hasFailed && !file.tests.some(({ state }) => state === 'failed')) totals.failed++
  }
  const all = [...projects.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
  if (unhandledErrors > 0)
    all.push({ ...{ name: 'errors outside of tests', passed: 0, skipped: 0, milliseconds: 0 }, failed: unhandledErrors })
  return {
    projects: all,
    leftOut,
    longest: [...files].sort((one, other) => other.milliseconds - one.milliseconds).slice(0, LONGEST),
  }
}

/**
 * Whether a test is for a server of the user's, and its variable is not set. The name of such a test contains the variable.
 * @param {TestResult} test
 * @param {NodeJS.ProcessEnv} env
 */
function isOfUnnamedServer({ name, state }, env) {
  const [variable] = /\b[A-Z]+_URL\b/.exec(name) ?? []
  return state === 'skipped' && variable !== undefined && !env[variable]
}

/**
 * @param {TestResult} test
 * @param {FileResult} file
 * @param {{ servers: Servers, hasChromium: boolean }} circumstances
 */
function reasonFor({ name, note }, { file, project }, { servers, hasChromium }) {
  if (note !== undefined) return `${project}: ${note}`
  const missing = Object.values(servers).filter((server) => server.missing !== undefined)
  const named = missing.filter(({ title }) => name.includes(title)).sort((one, other) => other.title.length - one.title.length)
  const [server = missing.find(({ packageName }) => packageName === project)] = named
  if (server !== undefined) return `no ${server.title}: ${server.missing}`
  if (!hasChromium && name.includes('Chromium')) return 'no Chromium: the demo is tested over HTTP alone'
  return `${file}, by its own condition`
}

/** @param {Summary} summary */
export function lines({ projects, leftOut, longest }) {
  const width = Math.max(...projects.map(({ name }) => name.length), 'package'.length)
  /** @param {(string | number)[]} cells */
  const row = ([name, ...numbers]) => `${name}`.padEnd(width) + numbers.map((number) => `${number}`.padStart(10)).join('')
  return [
    row(['package', 'passed', 'failed', 'left out', 'seconds']),
    ...projects.map(({ name, passed, failed, skipped, milliseconds }) =>
      row([name, passed, failed, skipped, seconds(milliseconds)]),
    ),
    ...section(
      'left out:',
      [...leftOut].map(([reason, count]) => `${`${count}`.padStart(6)}  ${reason}`),
    ),
    ...section(
      'the longest files, in seconds:',
      longest.map(({ file, milliseconds }) => `${seconds(milliseconds).padStart(6)}  ${file}`),
    ),
  ]
}

/** @param {string} title @param {string[]} rows */
function section(title, rows) {
  return rows.length === 0 ? [] : ['', title, ...rows]
}

/** @param {number} milliseconds */
const seconds = (milliseconds) => (milliseconds / 1000).toFixed(0)
