// The command line as a user runs it: the packed package, installed beside the application, or by npx in a place of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { scratchFolder } from '../../testing/program.js'
import { closure, readLock } from '../supply-chain/closure.js'
import { execute, installed, plainEnvironment } from './outside.ts'

const outside = inject('outside')
const folder = join(outside, 'command-line')
const program = join(outside, 'node_modules/.bin/connect-databank')

beforeAll(async () => {
  await installed(outside)
  await mkdir(folder)
  await writeFile(join(folder, 'sessions.config.js'), CONFIGURATION)
  await writeFile(join(folder, 'application.mjs'), APPLICATION)
  await application('disk:./sessions', 3)
})

/** As TypeScript compiles it to CommonJS. */
const CONFIGURATION = `
  Object.defineProperty(exports, '__esModule', { value: true })
  exports.default = { owner: (session) => session.user }`

/** Stores so many sessions, each of its own user. */
const APPLICATION = `
  import { openStore } from 'connect-databank'
  const [url, count] = process.argv.slice(2)
  const store = await openStore(url, { owner: (session) => session.user })
  const cookie = () => ({ path: '/', originalMaxAge: 3_600_000, expires: new Date(Date.now() + 3_600_000).toISOString() })
  for (let n = 0; n < Number(count); n++) {
    await store.set(('session-' + n).padEnd(32, '-'), { cookie: cookie(), user: 'user-' + n })
  }
  await store.close()`

async function application(url: string, count: number): Promise<void> {
  const { code, stderr } = await execute(process.execPath, ['application.mjs', url, String(count)], folder)
  expect(code, stderr).toBe(0)
}

const databank = (...args: string[]) => execute(program, args, folder)
const listed = async (url: string) =>
  (await databank('ls', url, '--json', '--full-ids', '--config', 'sessions.config.js')).stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).owner)
    .sort()

describe('connect-databank, installed', () => {
  it('is found by npx, and says what it can do', async () => {
    const { code, stdout } = await execute('npx', ['--no-install', 'connect-databank', '--help'], folder)
    expect(code).toBe(0)
    for (const command of ['ls', 'show', 'count', 'end', 'move', 'purge', 'reindex', 'reencrypt', 'doctor', 'watch']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'))
    }
  })

  it('lists, shows, counts, moves and ends sessions', async () => {
    expect(await listed('disk:./sessions')).toEqual(['user-0', 'user-1', 'user-2'])
    expect(await databank('show', 'disk:./sessions', 'session-1-')).toMatchObject({ code: 0, stderr: '' })
    expect(await databank('count', 'disk:./sessions', '--json')).toMatchObject({
      code: 0,
      stdout: '{"live":3,"expired":0,"corrupt":0}\n',
    })
    expect(await databank('move', 'disk:./sessions', 'disk:./others')).toMatchObject({ code: 0, stdout: '' })
    expect(await listed('disk:./others')).toEqual(['user-0', 'user-1', 'user-2'])
    expect(await databank('end', 'disk:./others', '--owner', 'user-1')).toMatchObject({ code: 0, stderr: '1 session ended\n' })
    expect(await listed('disk:./others')).toEqual(['user-0', 'user-2'])
    expect(await databank('purge', 'disk:./others')).toMatchObject({ code: 0 })
    expect(await databank('reindex', 'disk:./others', '--config', 'sessions.config.js')).toMatchObject({ code: 0 })
    expect(await databank('reencrypt', 'disk:./others', '--hash-ids')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('2 ids hashed'),
    })
  })

  it('examines a database', async () => {
    const { code, stdout, stderr } = await databank('doctor', 'disk:./sessions')
    expect({ stderr, isExamined: [0, 4].includes(code) }, stdout).toEqual({ stderr: '', isExamined: true })
    expect(stdout).toMatch(/^ok {4}\S/m)
  })

  it('ends with an error and its code', async () => {
    expect(await databank('ls', 'disk:./nowhere')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'connect-databank: there is no ./nowhere\n',
    })
    expect(await databank('ls', 'nosql:x')).toMatchObject({ code: 2, stdout: '' })
  })

  it('is stopped by Ctrl-C', async () => {
    const child = spawn(program, ['watch', 'disk:./sessions'], { cwd: folder, env: plainEnvironment() })
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([130, null])
  })

  it('ends quietly when its reader has read enough', async () => {
    await application('disk:./many', 2_000)
    const child = spawn(program, ['ls', 'disk:./many'], { cwd: folder, env: plainEnvironment() })
    let said = ''
    child.stderr.on('data', (text) => {
      said += text
    })
    await once(child.stdout, 'data')
    child.stdout.destroy()
    expect([await once(child, 'exit'), said]).toEqual([[0, null], ''])
  })
})

it('from a place of its own, as npx installs it, uses the packages of the project in the current directory', async () => {
  // Above it, no other test keeps packages.
  const { path: place, remove } = await scratchFolder()
  const names = ['@connect-databank/cli', 'connect-databank', ...closure(readLock(), 'packages/cli').map(({ name }) => name)]
  for (const name of new Set([...names, ...closure(readLock(), 'packages/core').map((each) => each.name)])) {
    await cp(join(outside, 'node_modules', name), join(place, 'node_modules', name), { recursive: true })
  }
  const cli = join(place, 'node_modules/@connect-databank/cli/bin.js')
  const { code, stdout, stderr } = await execute(process.execPath, [cli, 'count', 'disk:./sessions'], folder)
  expect({ code, stderr, stdout }).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('3 live') })
  expect(await execute(process.execPath, [cli, 'count', 'disk:./sessions'], place)).toMatchObject({ code: 1 })
  expect(await execute(process.execPath, [cli, 'count', 'mysql://127.0.0.1/x'], place)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('npm install @connect-databank/mysql'),
  })
  await remove()
})
