// `npm test`: checks, builds, finds the servers, runs all tests, and prints a summary. Its last line is the totals.
//   --complete  a server that is missing is a failure
//   --verbose   lists the tests that passed as well
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build, check } from '../check.js'
import { root, runTool } from '../command.js'
import { install } from '../install.js'

const begin = Date.now()
const isComplete = process.argv.includes('--complete')
const isVerbose = process.argv.includes('--verbose')
const FAILURE = { passed: 0, failed: 1, skipped: 0 }

await install()
// These import installed packages.
const { findChromium } = await import('../../testing/chromium.js')
const { provideAll } = await import('../../testing/test-servers.js')
const { lines, summarize } = await import('./summary.js')
const { line, sum } = await import('../totals.js')

/** @type {import('../totals.js').Totals[]} */
const totals = []
/** @type {string[]} */
const notes = []

const isBuilt = await build()
if (!isBuilt) fail('failed: the build; the tests were not run')
if (!(await check())) fail('failed: the check of types, lint and format')

const servers = await provideAll()
for (const [name, { missing, lacking, version, isOptional }] of Object.entries(servers)) {
  console.log(`${name}: ${missing === undefined ? version : `missing, ${missing}`}`)
  if (lacking !== undefined) notes.push(`not tested: ${lacking}`)
  if (missing !== undefined && isComplete && !isOptional) fail(`failed: no ${name}`)
}

if (isBuilt) await runTests()

const total = sum(totals)
const minutes = (Date.now() - begin) / 60_000
console.log(['', ...notes, `${minutes.toFixed(1)} minutes in all`, line(total)].join('\n'))
process.exitCode = total.failed === 0 ? 0 : 1

async function runTests() {
  const file = join(root, '.cache/test-results.json')
  mkdirSync(dirname(file), { recursive: true })
  rmSync(file, { force: true })
  const args = ['run', '--silent=passed-only', `--reporter=${join(import.meta.dirname, 'reporter.js')}`]
  const env = { ...process.env, TEST_RESULTS: file, ...(isVerbose && { TEST_VERBOSE: '1' }) }
  const code = await runTool('vitest', args, { env })
  const results = read(file)
  if (results === undefined) return fail('failed: vitest ended without a report')
  const summary = summarize(results, { servers, hasChromium: (await findChromium()) !== undefined, env: process.env })
  console.log(['', ...lines(summary)].join('\n'))
  totals.push(...summary.projects)
  if (code !== 0 && sum(summary.projects).failed === 0) fail(`failed: vitest ended with ${code}`)
}

/** @param {string} file @returns {import('./reporter.js').Results | undefined} */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined // vitest ended before it could report
  }
}

/** @param {string} note */
function fail(note) {
  totals.push(FAILURE)
  notes.push(note)
}
