// A process with a bank of its own: does what its parent's messages say.
// Started with the path and `durable` as JSON in its first argument.
import { writeSync } from 'node:fs'
import { LmdbBank } from '@connect-databank/lmdb'
import { type Entry, isCoded } from 'connect-databank'
import { inTransaction, openForReading, openForWriting } from '../src/environment.js'
import { closeTables } from './place.ts'

export type Order =
  | { call: 'read' | 'delete'; args: [id: string] }
  | { call: 'save'; args: [id: string, entry: Entry] }
  | { call: 'swap'; args: [id: string, expected: string | null, entry: Entry] }
  | { call: 'touch'; args: [id: string, expires: number | null] }
  | { call: 'count' | 'purge'; args: [now: number] }
  | { call: 'open' | 'close' | 'clear'; args: [] }
  | { call: 'addOneEach'; args: [ids: string[], rounds: number] }
  | { call: 'writeAlways'; args: [name: string, size: number] }
  | { call: 'fill'; args: [size: number] }
  | { call: 'holdLock'; args: [path: string] }
  | { call: 'openAgainAndAgain'; args: [path: string, rounds: number] }
  | { call: 'leave' | 'saveAtSignal'; args: [] }

const bank = new LmdbBank(JSON.parse(process.argv[2] ?? '{}'))

/** Adds to counters that other processes add to as well: each success is one more, or the swap is broken. */
async function addOneEach(ids: string[], rounds: number): Promise<number> {
  let conflicts = 0
  for (let round = 0; round < rounds; round++) {
    await Promise.all(
      ids.map(async (id) => {
        for (;;) {
          const expected = (await bank.read(id))?.payload ?? null
          const entry = { payload: String(Number(expected ?? 0) + 1), expires: null }
          if (await bank.swap(id, expected, entry)) return
          conflicts++
        }
      }),
    )
  }
  return conflicts
}

/** Writes until it is killed, and tells of each write once it is acknowledged. */
async function writeAlways(name: string, size: number): Promise<never> {
  for (let at = 0; ; at++) {
    const id = `${name}-${at % 8}`
    await bank.save(id, { payload: `${name} ${at} ${String(at % 10).repeat(size)}`, expires: Date.now() + 3_600_000 })
    process.stdout.write(`${id} ${at}\n`)
  }
}

/** Writes until it is refused. */
async function fill(size: number): Promise<number> {
  for (let at = 0; ; at++) await bank.save(`fill-${at}`, { payload: 'x'.repeat(size), expires: null })
}

/** Stops in the middle of a write, as a process that was frozen there. */
async function holdLock(path: string): Promise<void> {
  const tables = openForWriting({ path, durable: false })
  inTransaction(tables, () => {
    writeSync(1, 'holding\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
}

/** As many processes that start and end one after the other, to read and to write. */
async function openAgainAndAgain(path: string, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const tables = openForWriting({ path, durable: false })
    await openForReading(path).root.close()
    await closeTables(tables)
  }
}

/** Forgets its parent and does nothing more: it must end by itself, with the bank open. */
async function leave(): Promise<void> {
  await bank.save('left', { payload: 'behind', expires: null })
  setImmediate(() => process.disconnect())
}

/** Has one more to write when it is told to end, as a server whose last requests come to their end. */
async function saveAtSignal(): Promise<void> {
  await bank.open()
  process.once('SIGINT', async () => {
    await bank.save('late', { payload: 'x', expires: null })
    await bank.close()
    process.disconnect()
  })
}

const own: Record<string, (...args: never[]) => Promise<unknown>> = {
  addOneEach,
  writeAlways,
  fill,
  holdLock,
  openAgainAndAgain,
  leave,
  saveAtSignal,
}

process.on('message', async ({ order: { call, args }, number }: { order: Order; number: number }) => {
  try {
    const work = own[call] ?? (bank[call as 'read'].bind(bank) as (...args: never[]) => Promise<unknown>)
    const answer = await work(...(args as never[]))
    process.send?.({ number, answer })
  } catch (error) {
    process.send?.({ number, failure: { code: isCoded(error) ? error.code : undefined, message: String(error) } })
  }
  if (call === 'close') process.disconnect()
})
process.send?.('ready')
