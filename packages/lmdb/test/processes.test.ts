import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newPlace, type Place } from './place.ts'
import { type BankProcess, bundleProcess, startProcess } from './processes.ts'

let program: Awaited<ReturnType<typeof bundleProcess>>
beforeAll(async () => {
  program = await bundleProcess()
})
afterAll(() => program.remove())

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

  const start = async (durable = false) => {
    const process = await startProcess(program.folder, { path: place.path, durable })
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
