import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { DiskBank } from '../src/bank.ts'
import { bundlePrograms, filesIn, inAnHour, leftOver, newFolder } from './kit.ts'

const run = promisify(execFile)
/** How often a process is killed. */
const kills = Number(process.env['DISK_KILLS'] ?? 300)
const victims = 4

let programs: Awaited<ReturnType<typeof bundlePrograms>>
beforeAll(async () => {
  programs = await bundlePrograms()
})
afterAll(() => programs.remove())

describe('many processes', () => {
  it('lose no update of one session that all of them swap', async () => {
    const folder = newFolder()
    const times = 200
    const program = join(programs.folder, 'incrementer.js')
    await Promise.all(Array.from({ length: 4 }, () => run(process.execPath, [program, folder, 'count', String(times)])))
    const bank = new DiskBank({ path: folder })
    assert.equal((await bank.read('count'))?.payload, String(4 * times))
    await bank.close()
    assert.deepEqual(leftOver(folder), [], 'what has ended cleanly leaves nothing')
    fs.rmSync(folder, { recursive: true })
  })
})

describe(`processes killed with -9, ${kills} times`, { timeout: 600_000 }, () => {
  it('lose no acknowledged write, tear no session, and block nobody', async () => {
    const folder = newFolder()
    const bank = new DiskBank({ path: folder })
    let acknowledged = 0
    let inDoubt = 0
    const met = { lock: 0, tmp: 0, owners: 0 }
    for (let round = 0; round < kills / victims; round++) {
      const names = Array.from({ length: victims }, (_, each) => `${round}-${each}`)
      const logs = await Promise.all(names.map((name) => killOne(folder, name, round % 4 === 3)))
      for (const file of leftOver(folder)) {
        met.lock += Number(/\.lock/.test(file))
        met.tmp += Number(/\.tmp$/.test(file))
        met.owners += Number(file.startsWith('owners/'))
      }
      const began = performance.now()
      for (const [at, log] of logs.entries()) {
        await checkSessions(bank, names[at]!, log)
        acknowledged += log.filter((line) => line === 'end count').length
        inDoubt += Number(log.at(-1) === 'begin count')
      }
      const count = Number((await bank.read('count'))?.payload ?? 0)
      assert.ok(count >= acknowledged && count <= acknowledged + inDoubt, `${acknowledged} + ${inDoubt} counted as ${count}`)
      // Now that nobody else is there, nothing that the killed have left may keep us waiting.
      assert.equal(await bank.swap('count', String(count), { payload: String(count), expires: null }), count > 0)
      for (const name of names) await bank.save(`kept-${name}`, inAnHour('another'))
      assert.ok(performance.now() - began < 20_000, 'writes were held up')
      if (round % 5 === 4 || round + 1 >= kills / victims) {
        await bank.purge(Date.now())
        assert.equal(leftOver(folder).length, 2, `left over, besides our own two: ${leftOver(folder)}`)
      }
    }
    // Else the kills have met nothing, and this test has shown nothing.
    assert.ok(acknowledged > 0 && met.tmp > 0 && met.owners > 0, JSON.stringify({ acknowledged, ...met }))
    if (kills >= 100) assert.ok(met.lock > 0, 'no kill has met a lock')
    await bank.close()
    assert.ok(filesIn(folder).length > 0)
    fs.rmSync(folder, { recursive: true })
  })

  it('leave a full purge to whoever comes after a purge that was killed', async () => {
    const folder = newFolder()
    const log = await killOne(folder, 'a', false)
    assert.ok(log.length > 0)
    const bank = new DiskBank({ path: folder })
    await bank.purge(Date.now())
    await bank.close()
    assert.deepEqual(leftOver(folder), [])
    fs.rmSync(folder, { recursive: true })
  })
})

/** Starts a victim, lets it write for a moment, kills it; answers what it said. */
async function killOne(folder: string, name: string, durable: boolean): Promise<string[]> {
  const args = [join(programs.folder, 'victim.js'), folder, name, durable ? 'durable' : '']
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const said = text(child.stdout!)
  const ended = once(child, 'exit')
  await once(child.stdout!, 'data')
  // The moment is the point of it: anywhere in a write.
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 30))
  child.kill('SIGKILL')
  const lines = (await said).split('\n')
  // It says nothing more before all of its threads have ended, and one may be in the middle of a write.
  await ended
  // The last line, if any, was cut.
  return lines.slice(0, -1)
}

/** The last write that was acknowledged is there, or the one after it that was under way. */
async function checkSessions(bank: DiskBank, name: string, log: readonly string[]): Promise<void> {
  for (const kind of ['kept', 'gone']) {
    const own = log.filter((line) => line.split(' ')[1] === kind)
    const legal = [own.findLast((line) => line.startsWith('end')) ?? `end ${kind} - -`, own.at(-1) ?? `end ${kind} - -`]
    const there = await bank.read(`${kind}-${name}`)
    const number = there?.payload.split(';')[0]
    if (there !== null) assert.equal(there.payload, `${number};`.repeat(4_000), 'torn')
    const state = `${kind} ${number ?? '-'} ${there?.expires ?? '-'}`
    assert.ok(
      legal.some((line) => line.endsWith(state)),
      `${state} is neither of ${legal}`,
    )
  }
}
