// `node scripts/node-versions/index.js 20.19.0 26.9.0 …`: runs the built packages' conformance on other versions of Node.js, which come
// from the npm registry. Without versions it uses this Node.js. The last line is the totals.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { run } from '../../testing/tools/command.js'
import { fetchNode } from '../../testing/tools/node.js'
import { root } from '../command.js'
import { line, sum } from '../totals.js'

const versions = process.argv.slice(2)
const programs = versions.length === 0 ? [process.execPath] : await Promise.all(versions.map(fetchNode))

/** @type {import('../totals.js').Totals[]} */
const totals = []
for (const program of programs) totals.push(await conformance(program))
const total = sum(totals)
console.log(line(total))
process.exitCode = total.failed === 0 ? 0 : 1

/** @param {string} program @returns {Promise<import('../totals.js').Totals>} */
async function conformance(program) {
  const version = (await run(program, ['--version'])).trim()
  console.log(`── conformance on Node.js ${version} ──`)
  const args = ['--test-reporter=tap', '--test-reporter-destination=stdout', join(root, 'scripts/node-versions/suites.js')]
  const { code, report } = await collect(program, args)
  const counted = { passed: countOf(report, 'pass'), failed: countOf(report, 'fail'), skipped: countOf(report, 'skipped') }
  if (code !== 0 || counted.failed > 0) console.log(report)
  if (counted.passed === 0 || (code !== 0 && counted.failed === 0)) counted.failed++ // it ended before it could report
  console.log(`Node.js ${version}: ${line(counted)}`)
  return counted
}

/** @param {string} program @param {string[]} args @returns {Promise<{ code: number, report: string }>} */
function collect(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let report = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      report += chunk
    })
    child.once('error', reject).once('close', (code) => resolve({ code: code ?? 1, report }))
  })
}

/** A total of the report's last lines. @param {string} report @param {string} what */
function countOf(report, what) {
  return Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(report)?.[1] ?? 0)
}
