// connect-databank 1.0.3's own suite of 126 checks, on this version. It comes from the registry, into .cache/.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, it } from 'vitest'
import { cacheFolder } from '../../../testing/servers/index.js'

const run = promisify(execFile)

const FOLDER = join(cacheFolder, 'connect-databank-1.0.3')
const SUITE = join(FOLDER, 'package')
const READY = join(FOLDER, 'ready')
const TYPESCRIPT = join(import.meta.dirname, '../../../node_modules/typescript/bin/tsc')
const NPM = process.platform === 'win32' ? 'npm.cmd' : 'npm'

/** The files of the suite, and how many checks each has. Those of one line run one after the other: the last two listen on one port. */
const FILES: Readonly<Record<string, number>>[] = [
  { 'cleanup-invalid': 9 },
  { cleanup: 12 },
  { logging: 15, module: 73, scale: 4 },
  { 'middleware-scale': 6, middleware: 7 },
]

/** Its sessions expire after seconds, and its browsers give up after five: too early on a busy machine. */
const CLOCK = join(import.meta.dirname, 'fixtures/idle-clock.cjs')
const LONG_WAIT = './lib/long-wait.js'
const PRELOADS: Readonly<Record<string, string>> = {
  cleanup: CLOCK,
  'cleanup-invalid': CLOCK,
  'middleware-scale': LONG_WAIT,
  middleware: LONG_WAIT,
}

/** Why the suite cannot run; undefined if it can. */
let missing: string | undefined

/** The suite with the packages that it needs, of the versions that it names. */
async function fetchSuite(): Promise<void> {
  if (existsSync(READY)) return
  await rm(FOLDER, { recursive: true, force: true })
  await mkdir(FOLDER, { recursive: true })
  const shell = process.platform === 'win32'
  const { stdout } = await run(NPM, ['pack', 'connect-databank@1.0.3', '--silent'], { cwd: FOLDER, shell })
  await run('tar', ['-xzf', stdout.trim()], { cwd: FOLDER })
  await run(NPM, ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'], { cwd: SUITE, shell })
  await writeFile(READY, '')
}

/** Puts this package, compiled as it is published, in the place of 1.x. */
async function replaceLibrary(): Promise<void> {
  const compiled = join(SUITE, 'lib/core')
  await rm(compiled, { recursive: true, force: true })
  const flags = ['--composite', 'false', '--incremental', 'false', '--declaration', 'false', '--tsBuildInfoFile', 'null']
  await run(process.execPath, [TYPESCRIPT, '-p', join(import.meta.dirname, '..'), '--outDir', compiled, ...flags])
  await writeFile(join(SUITE, 'lib/connect-databank.js'), "module.exports = require('./core/index.js')\n")
  await writeFile(join(SUITE, LONG_WAIT), "require('zombie').waitDuration = '60s'\n")
}

/** How many checks of a file passed. A file has failed if one of them has. */
async function passedChecks(file: string): Promise<number> {
  const preload = PRELOADS[file] === undefined ? [] : ['-r', PRELOADS[file]]
  const args = ['--no-deprecation', ...preload, 'node_modules/vows/bin/vows', '--spec', `test/${file}-test.js`]
  const { stdout } = await run(process.execPath, args, { cwd: SUITE, timeout: 300_000 }).catch((error) => {
    throw new Error(`${file}: ${error.stdout}${error.stderr}`)
  })
  return Number(/OK » (\d+) honored/.exec(stdout)?.[1])
}

beforeAll(async () => {
  try {
    await fetchSuite()
  } catch (error) {
    missing = `connect-databank@1.0.3 and what its tests need cannot be fetched from the registry: ${(error as Error).message}`
    return
  }
  await replaceLibrary()
}, 300_000)

describe.concurrent('the suite of 1.x', () => {
  for (const files of FILES) {
    it(`passes: ${Object.keys(files).join(', ')}`, { timeout: 400_000 }, async ({ expect, skip }) => {
      if (missing !== undefined) skip(missing)
      for (const [file, checks] of Object.entries(files)) expect(await passedChecks(file), file).toBe(checks)
    })
  }

  it('has 126 checks', ({ expect }) => {
    expect(FILES.flatMap((files) => Object.values(files)).reduce((sum, checks) => sum + checks)).toBe(126)
  })
})
