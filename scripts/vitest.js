// Runs vitest and counts.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root, runTool } from './command.js'

/**
 * Runs all tests. A run that fails without a failed test, such as one with an unhandled rejection or a file that can't be loaded,
 * counts as one failure.
 * @returns {Promise<import('./totals.js').Totals>}
 */
export async function runTests() {
  const report = join(root, '.cache/tests.json')
  mkdirSync(dirname(report), { recursive: true })
  rmSync(report, { force: true })
  const code = await runTool('vitest', [
    'run',
    '--config',
    'vitest.workspace.ts',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ])
  const counted = read(report)
  if (counted === undefined) return { passed: 0, failed: 1, skipped: 0 }
  const failed = code !== 0 && counted.numFailedTests === 0 ? 1 : counted.numFailedTests
  return { passed: counted.numPassedTests, failed, skipped: counted.numPendingTests + counted.numTodoTests }
}

/**
 * @param {string} report
 * @returns {Record<'numPassedTests' | 'numFailedTests' | 'numPendingTests' | 'numTodoTests', number> | undefined}
 */
function read(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return undefined // it ended before it could report
  }
}
