// The two packages that run SQLite.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scratchFolder } from '../../../testing/program.js'
import { fetchNode } from '../../../testing/tools/node.js'
import { Database, loadEngine } from '../src/engines.ts'
import { bundlePrograms } from './support.ts'

const run = promisify(execFile)
const hasBuiltIn = process.getBuiltinModule?.('node:sqlite') !== undefined

/** The oldest Node.js that has node:sqlite without a flag, and a later one. */
const VERSIONS = ['22.13.0', '24.9.0']
/** Their programs; undefined for one that cannot be fetched. */
const nodes = new Map<string, string | undefined>()
if (!hasBuiltIn) for (const version of VERSIONS) nodes.set(version, await fetchNode(version).catch(() => undefined))

let programs: Awaited<ReturnType<typeof bundlePrograms>>
beforeAll(async () => {
  programs = await bundlePrograms()
})
afterAll(() => programs.remove())

/** Copies the programs to where no package is found but express-session. */
function copyPrograms(folder: string): void {
  cpSync(programs.folder, folder, { recursive: true })
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(dirname(createRequire(import.meta.url).resolve('express-session')), join(folder, 'node_modules/express-session'))
}

describe('the engine', () => {
  it('is node:sqlite where Node.js has it, else better-sqlite3, or the one that is named', async () => {
    const isBetterSqlite3 = expect.stringMatching(/^\/.*better-sqlite3/)
    expect((await loadEngine()).module).toEqual(hasBuiltIn ? 'node:sqlite' : isBetterSqlite3)
    const named = await loadEngine('better-sqlite3')
    expect(named.module).toEqual(isBetterSqlite3)
    const database = named.open(':memory:')
    expect(database).toBeInstanceOf(Database)
    expect(database.all('select 1 as one, ? as text', ['a'])).toEqual([[1, 'a']])
    expect(database.all('pragma busy_timeout')).toEqual([[0]])
    database.close()
  })

  it('that is not there is told with what to do', async () => {
    const { path: folder, remove } = await scratchFolder()
    copyPrograms(folder)
    const { stdout } = await run(process.execPath, ['--no-warnings', join(folder, 'missing.js'), join(folder, 'a.db')], {
      cwd: folder,
    })
    const seen = JSON.parse(stdout)
    expect(seen['better-sqlite3']).toMatch(/^DATABANK_MISSING_PACKAGE: .*npm install better-sqlite3, or use Node\.js 22\.13/)
    if (hasBuiltIn) expect(seen).toMatchObject({ default: 'opened', 'node:sqlite': 'opened' })
    else {
      expect(seen['default']).toBe(seen['better-sqlite3'])
      expect(seen['node:sqlite']).toMatch(/^DATABANK_MISSING_PACKAGE: Node\.js .* has no node:sqlite; 22\.13 and later/)
    }
    await remove()
  })
})

describe.skipIf(hasBuiltIn)('node:sqlite, of another version of Node.js', () => {
  for (const version of VERSIONS) {
    const node = nodes.get(version)
    // `.ci/run` runs the suites on the later version.
    it.skipIf(node === undefined || version !== VERSIONS[0])(
      `${version}: the suites of the bank and of the store pass`,
      { timeout: 300_000 },
      async () => {
        const args = [
          '--no-warnings',
          '--test-reporter=tap',
          '--test-reporter-destination=stdout',
          join(programs.folder, 'conformance.js'),
        ]
        const { stdout } = await run(node!, args, { maxBuffer: 1e8 }).catch((error) => error)
        const failed = stdout.split('\n').filter((line: string) => /^\s*not ok/.test(line))
        expect(failed).toEqual([])
        expect(Number(/^# pass (\d+)/m.exec(stdout)?.[1])).toBeGreaterThan(200)
      },
    )

    it.skipIf(node === undefined)(`${version}: a process ends by itself though its bank is open`, async () => {
      const { path: folder, remove } = await scratchFolder()
      // The last one may not start threads.
      const permission = version.startsWith('22') ? '--experimental-permission' : '--permission'
      const restricted = [permission, '--allow-fs-read=*', '--allow-fs-write=*']
      for (const [milliseconds, options] of [
        ['0', []],
        ['1500', []],
        ['1500', restricted],
      ] as const) {
        const args = ['--no-warnings', ...options, join(programs.folder, 'idle.js'), join(folder, 'a.db'), milliseconds]
        expect(await run(node!, args, { timeout: 20_000 })).toEqual({ stdout: 'done\n', stderr: '' })
      }
      await remove()
    })

    it.skipIf(node === undefined)(`${version}: it is used without better-sqlite3`, async () => {
      const { path: folder, remove } = await scratchFolder()
      copyPrograms(folder)
      const { stdout } = await run(node!, [join(folder, 'missing.js'), join(folder, 'a.db')], { cwd: folder })
      expect(JSON.parse(stdout)).toMatchObject({ default: 'opened', 'node:sqlite': 'opened' })
      await remove()
    })
  }
})
