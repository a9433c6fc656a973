// The suites under node:test, mocha and Jest. Under vitest they run in the tests of all backends, and here on the store that lacks most.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MemoryBank } from '@connect-databank/memory'
import { BANK_METHODS } from 'connect-databank/backend'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { bundle } from '../../../testing/bundle.js'
import { cacheFolder } from '../../../testing/servers/index.js'
import { bankChecks, storeChecks } from '../src/index.ts'
import { type Lacks, registerSmallestStore } from './fixtures/suites.ts'

const RUNNERS = { mocha: '12.0.3', jest: '30.5.2' }
const TIMEOUT = 240_000

/** What the suites' subjects lack. Only Jest has to be told. */
const LACKS: Lacks = {
  bank: ['another', ...BANK_METHODS.filter((method) => MemoryBank.prototype[method as keyof MemoryBank] === undefined)],
  store: ['another', 'configured'],
  smallBank: ['another', ...BANK_METHODS.filter((method) => !['read', 'save', 'delete'].includes(method))],
}

/** How many checks passed and were skipped, and which failed. */
interface Totals {
  readonly passed: number
  readonly failures: readonly string[]
  readonly skipped: number
}

/** What each runner must count. */
const expected: Totals = (() => {
  const runs = (needs: readonly string[], lacks: readonly string[]): boolean => !needs.some((need) => lacks.includes(need))
  const suites = [
    ...[LACKS.bank, LACKS.smallBank].map((lacks) => bankChecks.map(({ needs }) => runs(needs, lacks))),
    storeChecks.map(({ needs }) => runs(needs, LACKS.store)),
  ].flat()
  const passed = suites.filter((isRun) => isRun).length
  return { passed, failures: [], skipped: suites.length - passed }
})()

describe('the store of a bank of three methods', () => registerSmallestStore({ describe, it }))

describe('the suites pass, and skip what is missing, under', () => {
  let bundled: Awaited<ReturnType<typeof bundle>>
  /** All run at the same time: they wait for expiries most of the time. */
  let runs: Record<'node:test' | 'mocha' | 'Jest', Promise<Totals>>

  beforeAll(async () => {
    const runners = await installRunners()
    bundled = await bundle({ suites: join(import.meta.dirname, 'fixtures/suites.ts') })
    const { folder } = bundled
    runs = { 'node:test': nodeTest(folder), mocha: mocha(folder, runners), Jest: jest(folder, runners) }
    await Promise.allSettled(Object.values(runs))
  }, TIMEOUT)

  afterAll(() => bundled?.remove())

  it.each(['node:test', 'mocha', 'Jest'] as const)('%s', async (name) => {
    assert.deepEqual(await runs[name], expected)
  })
})

const REGISTER = `import { registerAll } from './suites.js'\n`

async function nodeTest(folder: string): Promise<Totals> {
  const file = join(folder, 'node.test.mjs')
  await writeFile(file, `import { describe, it } from 'node:test'\n${REGISTER}registerAll({ describe, it })`)
  const output = await run(['--test', '--test-reporter=tap', file])
  const total = (name: string): number => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(output)?.[1])
  const failures = [...output.matchAll(/^ *not ok \d+ - (.*)$/gm)].map(([, name]) => name!)
  return { passed: total('pass'), failures, skipped: total('skipped') }
}

async function mocha(folder: string, runners: string): Promise<Totals> {
  const file = join(folder, 'mocha.mjs')
  await writeFile(file, `${REGISTER}registerAll({ describe, it })`)
  const output = await run([join(runners, 'node_modules/mocha/bin/mocha.js'), '--reporter', 'json', file])
  const report = JSON.parse(output.slice(output.indexOf('{\n')))
  return {
    passed: report.stats.passes,
    failures: report.failures.map(({ title, err }: { title: string; err: Error }) => `${title}: ${err.message}`),
    skipped: report.stats.pending,
  }
}

async function jest(folder: string, runners: string): Promise<Totals> {
  const file = join(folder, 'jest.mjs')
  await writeFile(file, `${REGISTER}registerAll({ describe, it }, ${JSON.stringify(LACKS)})`)
  // CommonJS, as Jest loads tests without any configuration.
  const build = await rolldown({ input: file, platform: 'node', external: /^[^./]/, logLevel: 'silent' })
  const rootDir = join(folder, 'jest')
  await build.write({ dir: rootDir, format: 'cjs', entryFileNames: 'suites.test.cjs' })
  await build.close()
  const config = JSON.stringify({ rootDir, testEnvironment: 'node', testMatch: ['**/*.test.cjs'] })
  const outputFile = join(folder, 'jest.json')
  const program = join(runners, 'node_modules/jest/bin/jest.js')
  const output = await run([program, '--config', config, '--json', '--outputFile', outputFile])
  const report = JSON.parse(await readFile(outputFile, 'utf8').catch(() => assert.fail(output)))
  interface Result {
    readonly status: string
    readonly title: string
    readonly failureMessages: readonly string[]
  }
  const results: readonly Result[] = report.testResults.flatMap((file: { assertionResults: Result[] }) => file.assertionResults)
  const failed = results.filter(({ status }) => status === 'failed')
  return {
    passed: report.numPassedTests,
    failures: failed.map(({ title, failureMessages }) => `${title}: ${failureMessages[0]?.slice(0, 300)}`),
    skipped: report.numPendingTests,
  }
}

/** Installs the test runners in a project of their own, once. */
async function installRunners(): Promise<string> {
  const names = Object.entries(RUNNERS).map(([name, version]) => `${name}@${version}`)
  const folder = join(cacheFolder, names.join('+'))
  if (existsSync(join(folder, 'installed'))) return folder
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-save', ...names]
  await new Promise<void>((resolve, reject) => {
    execFile(npm, args, { cwd: folder }, (error) => (error ? reject(error) : resolve()))
  })
  await writeFile(join(folder, 'installed'), '')
  return folder
}

/** Runs Node.js. Resolves with all that it prints. */
function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    // Without the variables by which test runners recognize their own processes.
    const { NODE_TEST_CONTEXT: _, VITEST: __, NODE_ENV: ___, ...env } = process.env
    execFile(process.execPath, args, { env, maxBuffer: 1e8 }, (_error, out, errors) => resolve(out + errors))
  })
}
