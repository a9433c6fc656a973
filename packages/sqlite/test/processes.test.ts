// Several processes on one file: none loses an update, waits for long, or is stopped by one that is killed.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Program } from '../../../testing/program.js'
import type { SqliteBank } from '../src/index.ts'
import { bundlePrograms, entry, opened, sql } from './support.ts'

const run = promisify(execFile)
/** How often a process is killed. */
const KILLS = Number(process.env['KILLS'] ?? 20)
const AT_ONCE = 4

let programs: Awaited<ReturnType<typeof bundlePrograms>>
beforeAll(async () => {
  programs = await bundlePrograms()
})
afterAll(() => programs.remove())

const program = (name: string): string => join(programs.folder, `${name}.js`)

describe('processes that share a file', () => {
  it('lose no update of one session that all of them swap', async () => {
    const { path, another, close } = await opened()
    const times = 150
    await Promise.all(
      Array.from({ length: 4 }, () => run(process.execPath, [program('incrementer'), path, 'count', String(times)])),
    )
    expect((await (await another()).read('count'))?.payload).toBe(String(4 * times))
    await close()
  })

  it('all get their turn while they write as fast as they can, and nothing fails', async () => {
    const { path, another, close } = await opened()
    await (await another()).open()
    const children = ['a', 'b', 'c', 'd'].map((name) =>
      spawn(process.execPath, [program('writer'), path, name, '1500'], { stdio: ['pipe', 'pipe', 'inherit'] }),
    )
    const outputs = children.map((child) => text(child.stdout))
    await Promise.all(children.map((child) => once(child.stdout, 'data')))
    for (const child of children) child.stdin.end('go')
    const results = (await Promise.all(outputs)).map((output) => JSON.parse(output.split('\n')[1]!))
    for (const { failures } of results) expect(failures).toEqual([])
    const counts = results.map(({ count }) => count)
    expect(Math.min(...counts), `writes of each: ${counts}`).toBeGreaterThan(Math.max(...counts) / 20)
    await close()
  }, 60_000)

  it('see at once what another one has written', async () => {
    const { path, another, close } = await opened()
    const bank = await another()
    const child = spawn(process.execPath, [program('killed'), path, 'a', ''], { stdio: ['ignore', 'pipe', 'inherit'] })
    let [checked, buffer] = [0, '']
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      buffer += chunk
      const ends = buffer.split('\n').filter((line) => line.startsWith('end kept'))
      const last = Number(ends.at(-1)?.split(' ')[2] ?? 0)
      const stored = await bank.read('kept-a')
      expect(Number(stored?.payload.split(';')[0] ?? 0)).toBeGreaterThanOrEqual(last)
      checked += 1
      if (checked === 30) break
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    await close()
  })

  it('go on reading while one stands still in the middle of a write, and write when it is killed', async () => {
    const { path, another, close } = await opened()
    const bank = await another()
    await bank.save('a', entry('a'))
    const args = [
      '-e',
      `
      const database = new (require('better-sqlite3'))(process.argv[1])
      database.exec('begin immediate')
      database.exec("delete from databank_sessions")
      console.log('locked')
      setInterval(() => {}, 1000)`,
      path,
    ]
    const holder = new Program({
      command: process.execPath,
      args,
      cwd: import.meta.dirname,
      ready: () => holder.output.includes('locked'),
    })
    await holder.start()
    holder.freeze()
    const saved = bank.save('a', entry('b'))
    for (let n = 0; n < 50; n++) expect((await bank.read('a'))?.payload).toBe('a')
    await holder.stop()
    await saved
    expect((await bank.read('a'))?.payload).toBe('b')
    await close()
  })

  it('end by themselves though their bank is open, and keep what they wrote', async () => {
    const { path, another, close } = await opened()
    const { stdout, stderr } = await run(process.execPath, [program('idle'), path, '500'], { timeout: 20_000 })
    expect({ stdout, stderr }).toEqual({ stdout: 'done\n', stderr: '' })
    expect(await (await another()).read('last')).not.toBe(null)
    await close()
  })
})

describe(`processes killed with -9, ${KILLS} times`, { timeout: 600_000 }, () => {
  it('lose no acknowledged write, tear no session, and stop nobody', async () => {
    const { path, another, close } = await opened()
    const bank = await another()
    let [acknowledged, unclear] = [0, 0]
    for (let round = 0; round < KILLS / AT_ONCE; round++) {
      const names = Array.from({ length: AT_ONCE }, (_, each) => `${round}-${each}`)
      const logs = await Promise.all(names.map((name) => killOne(path, name, round % 3 === 2)))
      const start = performance.now()
      for (const [at, log] of logs.entries()) {
        await checkSessions(bank, names[at]!, log)
        const [begun, ended] = ['begin count', 'end count'].map((line) => log.filter((each) => each === line).length)
        acknowledged += ended!
        unclear += begun! - ended!
      }
      const count = Number((await bank.read('count'))?.payload ?? 0)
      expect(count).toBeGreaterThanOrEqual(acknowledged)
      expect(count).toBeLessThanOrEqual(acknowledged + unclear)
      for (const name of names) await bank.save(`kept-${name}`, entry('another'))
      expect(performance.now() - start, 'writes had to wait').toBeLessThan(20_000)
    }
    // Else no kill has met a write, and this test has shown nothing.
    expect(acknowledged).toBeGreaterThan(KILLS / 4)
    expect(unclear).toBeGreaterThan(0)
    expect(sql(path, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])
    await close()
  })
})

/** Starts a process, lets it write for a moment, and kills it. Returns what it printed. */
async function killOne(path: string, name: string, isDurable: boolean): Promise<string[]> {
  const args = [program('killed'), path, name, isDurable ? 'durable' : '']
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = text(child.stdout!)
  const ended = once(child, 'exit')
  await once(child.stdout!, 'data')
  // A random moment, anywhere in a write.
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 60))
  child.kill('SIGKILL')
  const lines = (await output).split('\n')
  await ended
  // The last line, if any, was cut.
  return lines.slice(0, -1)
}

/** The last write that was acknowledged is there, or the one after it that was under way. */
async function checkSessions(bank: SqliteBank, name: string, log: readonly string[]): Promise<void> {
  for (const kind of ['kept', 'gone']) {
    const own = log.filter((line) => line.split(' ')[1] === kind)
    const legal = [own.findLast((line) => line.startsWith('end')) ?? `end ${kind} - -`, own.at(-1) ?? `end ${kind} - -`]
    const stored = await bank.read(`${kind}-${name}`)
    const number = stored?.payload.split(';')[0]
    if (stored !== null) expect(stored.payload === `${number};`.repeat(4_000), 'a torn session').toBe(true)
    const state = `${kind} ${number ?? '-'} ${stored?.expires ?? '-'}`
    expect(legal.map((line) => line.split(' ').slice(1).join(' '))).toContain(state)
  }
}
