// What vitest prints during `npm test`: failures, and all files with --verbose. The results are written to the file that TEST_RESULTS names,
// for the summary.
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { DefaultReporter } from 'vitest/node'
import { root } from '../command.js'

/** How often progress is printed without a terminal, in milliseconds. */
const INTERVAL = 60_000

const isVerbose = process.env['TEST_VERBOSE'] === '1'

/**
 * @typedef {{ name: string, state: 'passed' | 'failed' | 'skipped' | 'pending', note?: string }} TestResult `name` begins with the
 *   names of its suites
 * @typedef {{ file: string, project: string, milliseconds: number, hasFailed: boolean, tests: TestResult[] }} FileResult
 * @typedef {{ files: FileResult[], unhandledErrors: number }} Results
 */

export default class Reporter extends DefaultReporter {
  #done = 0
  #total = 0
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  constructor() {
    super({ summary: process.stdout.isTTY === true })
  }

  /** @override @param {Parameters<DefaultReporter['onTestRunStart']>[0]} specifications */
  onTestRunStart(specifications) {
    super.onTestRunStart(specifications)
    this.#total = specifications.length
    if (!process.stdout.isTTY) this.#timer = setInterval(() => this.log(`${this.#done} of ${this.#total} files`), INTERVAL)
  }

  /** @override @param {import('vitest/node').TestModule} testModule */
  printTestModule(testModule) {
    this.#done++
    if (isVerbose || testModule.state() === 'failed') super.printTestModule(testModule)
  }

  /** `npm test` prints its own summary. @override */
  reportTestSummary() {}

  /** @override @param {Parameters<DefaultReporter['onTestRunEnd']>} what */
  onTestRunEnd(...what) {
    clearInterval(this.#timer)
    super.onTestRunEnd(...what)
    const [modules, unhandledErrors] = what
    const results = { files: modules.map(resultOf), unhandledErrors: unhandledErrors.length }
    writeFileSync(String(process.env['TEST_RESULTS']), JSON.stringify(results))
  }
}

/** @param {import('vitest/node').TestModule} testModule @returns {FileResult} */
function resultOf(testModule) {
  const tests = [...testModule.children.allTests()].map((test) => {
    const result = test.result()
    return { name: test.fullName, state: result.state, ...('note' in result && result.note && { note: result.note }) }
  })
  return {
    file: relative(root, testModule.moduleId).replaceAll('\\', '/'),
    project: testModule.project.name,
    milliseconds: testModule.diagnostic().duration,
    hasFailed: testModule.state() === 'failed',
    tests,
  }
}
