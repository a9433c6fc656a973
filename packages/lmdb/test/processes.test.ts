import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newPlace, type Place } from './place.ts'
import { type BankProcess, bundleProcess, startProcess } from './processes.ts'

let program: Awaited<ReturnType<typeof bundleProcess>>
beforeAll(async () => {
  program = await bundleProcess()
})
afterAll(() => program.remove())

const holderOf = (lock: string) => Number(/ (\d+) \S+:\d+ /.exec(lock)?.[1])

/**
 * The locks on a file, of all processes. What each has on its descriptors: /proc/locks is read in pieces, and a lock that stands there
 * all the time is in two of them or in none while others come and go.
 */
async function locksOn(inode: number): Promise<string[]> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const folders = processes.map((pid) => `/proc/${pid}/fdinfo`)
  const files = await Promise.all(folders.map(async (folder) => (await namesIn(folder)).map((name) => `${folder}/${name}`)))
  const infos = await Promise.all(files.flat().map((file) => readFile(file, 'utf8').catch(() => '')))
  return infos.flatMap((info) => info.split('\n').filter((line) => line.startsWith('lock:') && line.includes(`:${inode} `)))
}

/** None of what is gone, or not for us to see. */
const namesIn = (folder: string) => readdir(folder).catch((): string[] => [])

/** The processes that it has started, and that are not yet over. */
async function childrenOf(pid: number | undefined): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`)
  const lists = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8')))
  const all = lists.join(' ').split(' ').filter(Boolean).map(Number)
  const titles = await Promise.all(all.map((child) => readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')))
  return all.filter((_, at) => titles[at]?.includes('LMDB') === true)
}

/** However long it takes: the test has a limit. */
async function ended(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}/fd`) && (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) !== '') await sleep(10)
}

describe('processes that share an environment', () => {
  let place: Place
  const started = new Set<BankProcess>()
  beforeEach(async () => {
    place = await newPlace()
  })
  afterEach(async () => {
    await Promise.all([...started].map((process) => process.kill()))
    started.clear()
    await place.remove()
  })

  const start = async (durable = false, options: Parameters<typeof startProcess>[2] = {}) => {
    const process = await startProcess(program.folder, { path: place.path, durable }, options)
    started.add(process)
    return process
  }

  it.each([false, true])('four that swap at once lose nothing (durable: %s)', async (durable) => {
    const processes = await Promise.all([1, 2, 3, 4].map(() => start(durable)))
    const ids = ['a', 'b', 'c']
    const rounds = durable ? 15 : 100
    await Promise.all(processes.map((process) => process.order({ call: 'addOneEach', args: [ids, rounds] })))
    const bank = place.bank({ durable })
    for (const id of ids) expect(await bank.read(id)).toEqual({ payload: String(4 * rounds), expires: null })
    expect(await bank.count(Date.now())).toBe(ids.length)
  })

  it('one that writes loses nothing while others open, over and over', async () => {
    const bank = place.bank()
    await bank.save('counter', { payload: '0', expires: null })
    let areOpening = true
    const rounds = [1, 2].map(async () => (await start()).order({ call: 'openAgainAndAgain', args: [place.path, 300] }))
    const opening = Promise.all(rounds).finally(() => {
      areOpening = false
    })
    let written = 0
    const writing = async () => {
      for (; areOpening; written++) {
        const entry = { payload: String(written + 1), expires: null }
        expect(await bank.swap('counter', String(written), entry), `swap ${written}`).toBe(true)
      }
    }
    await Promise.all([opening, writing()])
    expect(await bank.read('counter')).toEqual({ payload: String(written), expires: null })
    expect(written).toBeGreaterThan(0)
  })

  it('each sees at once what another was told is done', async () => {
    const [writer, reader] = [await start(), await start()]
    for (let at = 0; at < 200; at++) {
      await writer.order({ call: 'save', args: ['a', { payload: String(at), expires: null }] })
      expect(await reader.order({ call: 'read', args: ['a'] })).toEqual({ payload: String(at), expires: null })
    }
  })

  it('one that stops in the middle of a write holds up no reads and no event loop, and its death frees the others', async () => {
    const bank = place.bank()
    await bank.save('a', { payload: '1', expires: null })
    const holder = await start()
    holder.order({ call: 'holdLock', args: [place.path] }).catch(() => undefined)
    await once(holder.child.stdout as NodeJS.ReadableStream, 'data')
    let isWritten = false
    const write = bank.save('a', { payload: '2', expires: null }).then(() => {
      isWritten = true
    })
    await sleep(200)
    expect(isWritten).toBe(false)
    expect(await bank.read('a')).toEqual({ payload: '1', expires: null })
    await holder.kill()
    await write
    expect(await bank.read('a')).toEqual({ payload: '2', expires: null })
  })

  it('one that leaves the bank open ends by itself, and its writes are kept', async () => {
    const process = await start()
    await process.order({ call: 'leave', args: [] })
    expect(await once(process.child, 'exit')).toEqual([0, null])
    expect(await place.bank().read('left')).toEqual({ payload: 'behind', expires: null })
  })

  it('one that closes ends by itself', async () => {
    const process = await start()
    await process.order({ call: 'open', args: [] })
    await process.order({ call: 'close', args: [] })
    expect(await once(process.child, 'exit')).toEqual([0, null])
  })

  describe.skipIf(process.platform !== 'linux')('seen from the system', () => {
    it('each keeps its lock, by which the next to come knows that it is not the first', async () => {
      // Without one, the next would make the locks for writing anew, under those who hold them: their updates would be lost.
      for (const bank of [place.bank(), place.bank()]) {
        await bank.open()
        await bank.read('a')
      }
      const { ino } = await stat(`${place.path}-lock`)
      // The first byte is for that. Ours, and those of the two that write for us.
      const ofFirstByte = (await locksOn(ino)).filter((line) => / 0 0$/.test(line))
      expect(ofFirstByte.map(holderOf).sort()).toEqual([process.pid, ...(await childrenOf(process.pid))].sort())
      // The byte of our own number says that we read, and that what we may see must be kept.
      const ofReader = (await locksOn(ino)).filter((line) => line.endsWith(` ${process.pid} ${process.pid}`))
      expect(ofReader.map(holderOf)).toEqual([process.pid])
    })

    it('a writer that is killed fails what is under way with a code, and the next write has a new one', async () => {
      const bank = place.bank()
      await bank.save('a', { payload: '1', expires: null })
      const [writer] = await childrenOf(process.pid)
      const holder = await start()
      holder.order({ call: 'holdLock', args: [place.path] }).catch(() => undefined)
      await once(holder.child.stdout as NodeJS.ReadableStream, 'data')
      const underWay = bank.save('a', { payload: '2', expires: null }).catch((error: unknown) => error)
      await Promise.resolve()
      const waiting = bank.save('b', { payload: '3', expires: null }).catch((error: unknown) => error)
      process.kill(writer as number, 'SIGKILL')
      expect(await underWay).toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
      expect(await waiting).toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
      expect(await bank.read('a')).toEqual({ payload: '1', expires: null })
      await holder.kill()
      await bank.save('a', { payload: '4', expires: null })
      expect(await bank.read('a')).toEqual({ payload: '4', expires: null })
      expect(await bank.read('b')).toBeNull()
    })

    it('a writer whose commit has failed writes no more, and the next write has a new one', async () => {
      const bank = place.bank()
      await bank.save('a', { payload: '1', expires: null })
      const [writer] = await childrenOf(process.pid)
      // What it may write ends within the room that it has made.
      await promisify(execFile)('prlimit', [`--pid=${writer}`, '--fsize=4096'])
      // What LMDB's client then does to its own memory may end the writer before it can tell.
      await expect(bank.save('a', { payload: '2', expires: null })).rejects.toMatchObject({
        code: expect.stringMatching(/^DATABANK_(FULL|UNAVAILABLE)$/),
      })
      // Until we know of its end as well.
      while (existsSync(`/proc/${writer}`)) await sleep(10)
      expect(await bank.read('a')).toEqual({ payload: '1', expires: null })
      await bank.save('a', { payload: '3', expires: null })
      expect(await bank.read('a')).toEqual({ payload: '3', expires: null })
    })

    it('a writer ends when the process that it serves is killed', async () => {
      const served = await start()
      await served.order({ call: 'save', args: ['a', { payload: 'x', expires: null }] })
      const [writer] = await childrenOf(served.child.pid)
      await served.kill()
      await ended(writer as number)
      expect(await place.bank().read('a')).toEqual({ payload: 'x', expires: null })
    })

    it('a signal for all of a terminal does not cut off what is still to be written', async () => {
      const served = await start(false, { detached: true })
      await served.order({ call: 'saveAtSignal', args: [] })
      const [writer] = await childrenOf(served.child.pid)
      process.kill(-(served.child.pid as number), 'SIGINT')
      expect(await once(served.child, 'exit')).toEqual([0, null])
      await ended(writer as number)
      expect(await place.bank().read('late')).toEqual({ payload: 'x', expires: null })
    })

    it('a writer has the options of Node that its master has, but no debugger and no profiler', async () => {
      const NODE_OPTIONS = '--no-warnings --inspect=127.0.0.1:0 --stack-trace-limit=20'
      const served = await start(false, { env: { ...process.env, NODE_OPTIONS } })
      await served.order({ call: 'open', args: [] })
      const [writer] = await childrenOf(served.child.pid)
      const variables = (await readFile(`/proc/${writer}/environ`, 'utf8')).split('\0')
      expect(variables).toContain('NODE_OPTIONS=--no-warnings --stack-trace-limit=20')
    })
  })

  it('killed at random while they write, they lose no acknowledged write, tear none, and stop nobody', async () => {
    // 300 rounds, or what half a minute has room for; CRASH_ROUNDS=300 to have them all, however long it takes.
    const asked = process.env['CRASH_ROUNDS']
    const rounds = Number(asked ?? 300)
    const giveUpAt = asked === undefined ? Date.now() + 30_000 : Infinity
    const size = 3_000
    const witness = place.bank()
    let killed = 0
    await Promise.all(['w', 'x', 'y', 'z'].map(killAgainAndAgain))
    expect(killed).toBeGreaterThanOrEqual(asked === undefined ? 4 : rounds)
    console.log(`${killed} processes were killed while they wrote`)

    async function killAgainAndAgain(lane: string) {
      while (killed < rounds && Date.now() < giveUpAt) {
        const name = `${lane}${killed}`
        const writer = await start()
        const acknowledged = new Map<string, number>()
        writer.order({ call: 'writeAlways', args: [name, size] }).catch(() => undefined)
        const lines = createInterface({ input: writer.child.stdout as NodeJS.ReadableStream })
        lines.on('line', (line) => {
          const [id, at] = line.split(' ') as [string, string]
          acknowledged.set(id, Number(at))
        })
        await once(lines, 'line')
        await sleep(Math.random() * 20)
        await writer.kill()
        started.delete(writer)
        killed++
        for (const [id, at] of acknowledged) {
          const [writtenName, writtenAt, text] = (await witness.read(id))?.payload.split(' ') ?? []
          expect(writtenName).toBe(name)
          expect(Number(writtenAt)).toBeGreaterThanOrEqual(at)
          expect(text).toBe(String(Number(writtenAt) % 10).repeat(size))
        }
        expect(await witness.swap(`after ${name}`, null, { payload: 'alive', expires: 1 })).toBe(true)
      }
    }
  }, 600_000)
})
