import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from 'vitest'
import { DiskBank } from '../src/bank.ts'
import { bundlePrograms, inAnHour, leftoversIn, newDirectory } from './helpers.ts'

const run = promisify(execFile)
/** How often a process is killed, and how often a thread is terminated. */
const KILLS = Number(process.env['KILLS'] ?? 48)
/** How many run at the same time. */
const WRITERS = 4

let programs: Awaited<ReturnType<typeof bundlePrograms>>
let directory: string
let bank: DiskBank
beforeAll(async () => {
  programs = await bundlePrograms()
})
afterAll(() => programs.remove())
beforeEach(() => {
  directory = newDirectory()
  bank = new DiskBank({ path: directory })
})
afterEach(async () => {
  await bank.close()
  fs.rmSync(directory, { recursive: true })
})

it('processes lose no update of a session that all of them swap', async () => {
  const times = 200
  const program = join(programs.folder, 'incrementer.js')
  await Promise.all(Array.from({ length: WRITERS }, () => run(process.execPath, [program, directory, 'count', String(times)])))
  assert.equal((await bank.read('count'))?.payload, String(WRITERS * times))
  assert.deepEqual(leftoversIn(directory), [], 'a process that has ended leaves nothing')
})

describe.each([
  { what: 'processes', end: killed },
  { what: 'threads', end: terminated },
])(`$what that are ended ${KILLS} times while they write`, { timeout: 600_000 }, ({ end }) => {
  it('lose no acknowledged write, tear no session, block nobody, and leave nothing after a purge', async () => {
    let acknowledged = 0
    let unknown = 0
    const met = { locks: 0, temporaryFiles: 0 }
    for (let round = 0; round < KILLS / WRITERS; round++) {
      const names = Array.from({ length: WRITERS }, (_, each) => `${round}-${each}`)
      const logs = await Promise.all(names.map((name) => end(name, round % 4 === 3)))
      for (const file of leftoversIn(directory)) {
        met.locks += Number(/\.lock/.test(file))
        met.temporaryFiles += Number(/\.tmp$/.test(file))
      }
      const began = performance.now()
      for (const [at, log] of logs.entries()) {
        await checkSessions(names[at]!, log)
        acknowledged += log.filter((line) => line === 'end count').length
        unknown += Number(log.at(-1) === 'begin count')
      }
      const count = Number((await bank.read('count'))?.payload ?? 0)
      assert.ok(count >= acknowledged && count <= acknowledged + unknown, `${acknowledged} + ${unknown} counted as ${count}`)
      // Nobody else runs now, so nothing may be waited for.
      const same = { payload: String(count), expires: null }
      assert.equal((await bank.swap('count', String(count), same, Date.now())) !== null, count > 0)
      for (const name of names) await bank.save(`kept-${name}`, inAnHour('another'))
      assert.ok(performance.now() - began < 20_000, 'writes were delayed')
      if (round % 5 === 4 || round + 1 >= KILLS / WRITERS) {
        await bank.purge(Date.now())
        assert.deepEqual(leftoversIn(directory), [])
      }
    }
    // Otherwise no writer was ended at a critical moment, and this test shows nothing.
    assert.ok(acknowledged > 0 && met.temporaryFiles > 0, JSON.stringify({ acknowledged, ...met }))
    if (KILLS >= 100) assert.ok(met.locks > 0, JSON.stringify({ acknowledged, ...met }))
  })
})

/** Starts a process that writes, kills it after a moment, and returns what it said. */
async function killed(name: string, durable: boolean): Promise<string[]> {
  const args = [join(programs.folder, 'killed.js'), directory, name, durable ? 'durable' : '']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const said = text(child.stdout)
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  await aMoment()
  child.kill('SIGKILL')
  const lines = (await said).split('\n')
  // Only when it has ended, have all of its threads: one may be in the middle of a write.
  await ended
  // The last line, if any, was cut.
  return lines.slice(0, -1)
}

/** The same with a thread of this process. */
async function terminated(name: string, durable: boolean): Promise<string[]> {
  const log = join(newDirectory(), 'log')
  fs.writeFileSync(log, '')
  const worker = new Worker(join(programs.folder, 'killed.js'), { argv: [directory, name, durable ? 'durable' : '', log] })
  while (fs.statSync(log).size === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  await aMoment()
  await worker.terminate()
  const lines = fs.readFileSync(log, 'utf8').split('\n')
  fs.rmSync(join(log, '..'), { recursive: true })
  return lines.slice(0, -1)
}

/** Anywhere in a write. */
async function aMoment(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 30))
}

/** The last write that was acknowledged is stored, or the next one, which may have happened. */
async function checkSessions(name: string, log: readonly string[]): Promise<void> {
  for (const kind of ['kept', 'gone']) {
    const own = log.filter((line) => line.split(' ')[1] === kind)
    const allowed = [own.findLast((line) => line.startsWith('end')) ?? `end ${kind} - -`, own.at(-1) ?? `end ${kind} - -`]
    const stored = await bank.read(`${kind}-${name}`)
    assert.equal(stored?.corrupt, undefined)
    const number = stored?.payload.split(';')[0]
    if (stored !== null) {
      assert.equal(stored.payload, `${number};`.repeat(4_000), 'torn')
      assert.equal(stored.owner, number)
    }
    const state = `${kind} ${number ?? '-'} ${stored?.expires ?? '-'}`
    assert.ok(
      allowed.some((line) => line.endsWith(state)),
      `${state} is neither of ${allowed}`,
    )
  }
}
