// `npm test`: checks, builds, provides the servers, runs all tests; says what was left out, and the totals as its last line.
// With `--complete`, a server that can't be had is a failure.

import { provideAll } from '../testing/test-servers.js'
import { check } from './check.js'
import { findChromium } from './chromium.js'
import { runTool } from './command.js'
import { install } from './install.js'
import { line, sum } from './totals.js'
import { runTests } from './vitest.js'

const complete = process.argv.includes('--complete')
const failure = { passed: 0, failed: 1, skipped: 0 }

await install()

/** @type {import('./totals.js').Totals[]} */
const totals = []
/** @type {string[]} */
const notes = []

title('check')
if (!(await check())) {
  totals.push(failure)
  notes.push('failed: the check of types, lint and format')
}

title('build')
const isBuilt = (await runTool('tsc', ['-b'])) === 0
if (!isBuilt) {
  totals.push(failure)
  notes.push('failed: the build; the tests were not run')
}

title('servers')
for (const [name, { missing, lacking }] of Object.entries(await provideAll())) {
  console.log(`${name}: ${missing ?? 'there'}`)
  if (lacking !== undefined) notes.push(`not tested: ${lacking}`)
  if (missing === undefined) continue
  notes.push(`left out: the tests on ${name}, because ${missing}`)
  if (complete) totals.push(failure)
}

if ((await findChromium()) === undefined) notes.push('note: there is no Chromium; the demo was tested over HTTP alone')

if (isBuilt) {
  title('tests')
  totals.push(await runTests())
}

const total = sum(totals)
console.log()
for (const note of notes) console.log(note)
console.log(line(total))
process.exitCode = total.failed === 0 ? 0 : 1

/** @param {string} text */
function title(text) {
  console.log(`\n── ${text} ${'─'.repeat(80 - text.length)}\n`)
}
