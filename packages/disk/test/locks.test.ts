import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, beforeEach, describe, it, vi } from 'vitest'
import { DiskBank } from '../src/bank.ts'
import { currentHolder, stateOf } from '../src/holders.ts'
import { Layout } from '../src/layout.ts'
import { type Lock, removeIfStale, takeLock } from '../src/locks.ts'
import { bundlePrograms, inAnHour, leftoversIn, newDirectory } from './helpers.ts'

let directory: string
let lockPath: string
let bank: DiskBank
beforeEach(async () => {
  directory = newDirectory()
  lockPath = `${new Layout(directory).pathOf('id')}.lock`
  bank = new DiskBank({ path: directory })
  await bank.save('id', inAnHour('a'))
})
afterEach(async () => {
  await bank.close()
  fs.rmSync(directory, { recursive: true, force: true })
})

const [boot, namespace, pid, thread, start, random] = currentHolder.split('-') as [string, string, string, string, string, string]
/** A process that has ended: its number is nobody's for now. */
const endedPid = spawnSync(process.execPath, ['-e', '']).pid
const endedHolders = {
  'of a process that has ended': [boot, namespace, endedPid, endedPid, start, random],
  'of an earlier process with the same number': [boot, namespace, pid, thread, Number(start) - 1, random],
  'of a thread of this process that has ended': [boot, namespace, pid, 4_194_303, start, random],
  'from before the machine was restarted': ['00000000', namespace, pid, thread, start, random],
}
const invisible = [boot, '00000000', endedPid, endedPid, start, random].join('-')
/** Another thread that runs: the parent of this process. */
const running = holderOfProcess(process.ppid)

const noSpace = (): boolean => false
/** Leaves a lock as its holder would. */
function leaveLock(holder: string, path = lockPath): void {
  fs.rmSync(path, { force: true })
  fs.symlinkSync(holder, path)
}
const isLocked = (): boolean => fs.lstatSync(lockPath, { throwIfNoEntry: false }) !== undefined
const swap = (expected: string | null, payload: string) => bank.swap('id', expected, inAnHour(payload), Date.now())

function holderOfProcess(number: number): string {
  const stat = fs.readFileSync(`/proc/${number}/stat`, 'latin1')
  const itsStart = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return [boot, namespace, number, number, itsStart, random].join('-')
}

describe('a lock that was left behind', () => {
  for (const [what, parts] of Object.entries(endedHolders)) {
    const holder = parts.join('-')
    it(`${what} delays nobody, and purge removes everything of it`, async () => {
      assert.equal(stateOf(holder), 'ended')
      leaveLock(holder)
      assert.equal(await swap('a', 'b'), 'b')
      leaveLock(holder)
      leaveLock(holder, `${lockPath}.break`)
      leaveLock(holder, `${lockPath}.break.break`)
      await bank.save('id', inAnHour('c'))
      leaveLock(holder)
      assert.equal(await bank.delete('id'), true)
      leaveLock(holder)
      leaveLock(holder, `${lockPath}.break`)
      fs.writeFileSync(join(dirname(lockPath), `${holder}-7.tmp`), 'half a se')
      await bank.purge(Date.now())
      assert.deepEqual(leftoversIn(directory), [])
    })
  }

  it.runIf(process.platform === 'linux')(
    'by a process that was killed delays nobody, though its parent never asks for it',
    async () => {
      const parent = spawn('sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'inherit'] })
      try {
        const [victim] = (await once(parent.stdout, 'data')).map(Number) as [number]
        const holder = holderOfProcess(victim)
        assert.equal(stateOf(holder), 'running')
        leaveLock(holder)
        process.kill(victim, 'SIGKILL')
        while (!/\) Z /.test(fs.readFileSync(`/proc/${victim}/stat`, 'latin1'))) await setImmediate()
        assert.equal(stateOf(holder), 'ended')
        assert.equal(await swap('a', 'b'), 'b')
      } finally {
        parent.kill('SIGKILL')
        await once(parent, 'exit')
      }
    },
  )

  it('by this thread, because it could not be removed, does not delay this thread', async () => {
    assert.ok(takeLock(lockPath, noSpace))
    const lock = takeLock(lockPath, noSpace) as Lock
    lock.check()
    await aMinuteLater(async () => {
      assert.throws(() => takeLock(lockPath, noSpace)?.check(), { code: 'DATABANK_UNAVAILABLE' }, 'others may remove it')
    })
  })
})

describe.runIf(process.platform === 'linux')('a worker thread', () => {
  let programs: Awaited<ReturnType<typeof bundlePrograms>>
  beforeAll(async () => {
    programs = await bundlePrograms()
  })
  afterAll(() => programs.remove())

  it('that is terminated while it holds a lock leaves nothing locked', async () => {
    const workerData = { path: directory, id: 'id' }
    const worker = new Worker(join(programs.folder, 'holder.js'), { workerData })
    assert.deepEqual(await once(worker, 'message'), ['taken'])
    assert.equal(takeLock(lockPath, noSpace), null, 'it runs, so its lock counts')
    assert.equal(await bank.purge(Date.now()), 0)
    assert.ok(isLocked())
    await worker.terminate()
    const began = performance.now()
    assert.equal(await swap('a', 'b'), 'b')
    assert.ok(performance.now() - began < 2_000, 'it was waited for')
    assert.deepEqual(leftoversIn(directory), [])
  })
})

describe('on a system without /proc', () => {
  afterEach(() => vi.restoreAllMocks())

  it('this thread knows that it runs itself, and that a process has ended whose id no process has', async () => {
    hideProc()
    vi.resetModules()
    const holders = await import('../src/holders.ts')
    const [itsBoot, itsNamespace, , , itsStart, itsRandom] = holders.currentHolder.split('-')
    assert.equal(itsStart, '0')
    assert.equal(holders.stateOf(holders.currentHolder), 'running')
    assert.equal(holders.stateOf([itsBoot, itsNamespace, endedPid, endedPid, 0, itsRandom].join('-')), 'ended')
  })

  function hideProc(): void {
    const missing = Object.assign(new Error('there is no /proc'), { code: 'ENOENT' })
    for (const name of ['readFileSync', 'readlinkSync'] as const) {
      const read = fs[name] as (path: string, ...rest: unknown[]) => string
      vi.spyOn(fs, name).mockImplementation(((path: string, ...rest: unknown[]) => {
        if (String(path).startsWith('/proc/')) throw missing
        return read(path, ...rest)
      }) as never)
    }
  }
})

describe('the lock of a process that runs', () => {
  it('is waited for, as long as the time-out of the store allows', async () => {
    leaveLock(running)
    assert.equal(stateOf(running), 'running')
    assert.equal(removeIfStale(lockPath, noSpace), false)
    const hurried = new DiskBank({ path: directory }, { timeout: 500, warn: () => {} })
    const held = { code: 'DATABANK_UNAVAILABLE', message: new RegExp(`process ${process.ppid} has held the session for 400 ms`) }
    const began = performance.now()
    await Promise.all([
      assert.rejects(hurried.swap('id', 'a', inAnHour('b'), Date.now()), held),
      assert.rejects(hurried.save('id', inAnHour('c')), held),
      assert.rejects(hurried.delete('id'), held),
    ])
    const waited = performance.now() - began
    assert.ok(waited > 390 && waited < 1_500, `waited ${waited} ms`)
    assert.equal((await bank.read('id'))?.payload, 'a', 'a read does not wait')
    await bank.touch('id', null, Date.now())
    assert.equal((await bank.read('id'))?.expires, null, 'a touch does not wait')
    assert.equal(await bank.purge(Date.now()), 0)
    assert.ok(isLocked())
    const waiting = swap('a', 'd')
    await new Promise((resolve) => setTimeout(resolve, 30))
    fs.unlinkSync(lockPath)
    assert.equal(await waiting, 'd')
    await hurried.close()
  })

  it('counts as long as the process may work, if it is not visible from here', async () => {
    assert.equal(stateOf(invisible), 'invisible')
    leaveLock(invisible)
    assert.equal(removeIfStale(lockPath, noSpace), false)
    await aMinuteLater(async () => assert.equal(await swap('a', 'b'), 'b'))
  })

  it('counts as long as the process may work, if the system does not tell when the process began', async () => {
    // The parent of this process may have the process id of a process that was killed.
    const holder = [boot, namespace, process.ppid, process.ppid, 0, random].join('-')
    assert.equal(stateOf(holder), 'invisible')
    leaveLock(holder)
    assert.equal(removeIfStale(lockPath, noSpace), false)
    await aMinuteLater(async () => assert.equal(await swap('a', 'b'), 'b'))
    leaveLock(holder)
    await bank.purge(Date.now())
    assert.ok(isLocked())
    await aMinuteLater(async () => void (await bank.purge(Date.now())))
    assert.deepEqual(leftoversIn(directory), [])
  })

  it('is given up by a process that was stopped for long while it held it', async () => {
    const lock = takeLock(lockPath, noSpace) as Lock
    lock.check()
    await aMinuteLater(async () => {
      assert.throws(() => lock.check(), { code: 'DATABANK_UNAVAILABLE' })
      // Meanwhile another has it.
      leaveLock(running)
      lock.release()
      assert.ok(isLocked(), 'the lock of another was removed')
    })
  })

  it('protects nothing after a stop of the process: then the write does not happen', async () => {
    const { symlinkSync } = fs
    await bank.save('id', { payload: 'a', expires: Date.now() - 1 })
    const writes = {
      save: () => bank.save('id', inAnHour('b')),
      swap: () => swap(null, 'b'),
      delete: () => bank.delete('id'),
      purge: () => bank.purge(Date.now()),
      clear: () => bank.clear(),
    }
    for (const [what, write] of Object.entries(writes)) await stopped(what, write)
    // Under the lock of a stale lock, too.
    leaveLock(endedHolders['of a process that has ended'].join('-'))
    await stopped('save', writes.save)

    async function stopped(what: string, write: () => Promise<unknown>): Promise<void> {
      const wasLocked = isLocked()
      const now = Date.now()
      fs.symlinkSync = (...args) => {
        symlinkSync(...args)
        vi.spyOn(Date, 'now').mockReturnValue(now + 21_000)
      }
      try {
        await assert.rejects(write(), { code: 'DATABANK_UNAVAILABLE' }, what)
      } finally {
        fs.symlinkSync = symlinkSync
        vi.restoreAllMocks()
      }
      assert.equal((await bank.read('id'))?.payload, 'a', what)
      assert.equal(isLocked(), wasLocked, what)
    }
  })

  it('keeps a session that is renewed from a purge', async () => {
    await bank.save('id', { payload: 'expired', expires: Date.now() - 1 })
    leaveLock(running)
    const renewal = swap(null, 'renewed')
    assert.equal(await bank.purge(Date.now()), 0)
    fs.unlinkSync(lockPath)
    assert.equal(await renewal, 'renewed')
    assert.equal(await bank.purge(Date.now()), 0)
    assert.equal((await bank.read('id'))?.payload, 'renewed')
  })

  it('is waited for by close', async () => {
    leaveLock(running)
    const pending = swap('a', 'b')
    let isClosed = false
    const closing = bank.close().then(() => {
      isClosed = true
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(isClosed, false)
    fs.unlinkSync(lockPath)
    assert.equal(await pending, 'b')
    await closing
    assert.deepEqual(leftoversIn(directory), [])
  })
})

/** As after a minute in which the process was stopped. */
async function aMinuteLater(act: () => Promise<void>): Promise<void> {
  const now = Date.now() + 61_000
  vi.spyOn(Date, 'now').mockImplementation(() => now)
  try {
    await act()
  } finally {
    vi.restoreAllMocks()
  }
}
