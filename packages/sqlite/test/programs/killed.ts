// Writes until it is killed, and prints of each write when it begins and when it is acknowledged: `killed <path> <name> <durable>`.
import { writeSync } from 'node:fs'
import { SqliteBank } from '../../src/index.ts'

const [path, name, durable] = process.argv.slice(2) as [string, string, string]
const bank = new SqliteBank({ path, durable: durable === 'durable' })
const time = Date.now() + 3_600_000

// A pipe keeps what was written to it when its writer is killed.
const print = (line: string): void => void writeSync(1, `${line}\n`)

async function step(what: string, work: () => Promise<unknown>): Promise<void> {
  print(`begin ${what}`)
  await work()
  print(`end ${what}`)
}

await bank.open()
print('ready')
await Promise.all([writeAndTouch(), writeAndDelete(), count()])

async function writeAndTouch(): Promise<void> {
  for (let n = 1; ; n++) {
    await step(`kept ${n} ${time + n}`, () => bank.save(`kept-${name}`, { payload: whole(n), expires: time + n }))
    await step(`kept ${n} ${time + n + 500_000}`, () => bank.touch(`kept-${name}`, time + n + 500_000, Date.now()))
  }
}

async function writeAndDelete(): Promise<void> {
  for (let n = 1; ; n++) {
    await step(`gone ${n} -`, () => bank.save(`gone-${name}`, { payload: whole(n), expires: null }))
    await step(`gone - -`, () => bank.delete(`gone-${name}`))
  }
}

async function count(): Promise<void> {
  for (;;) await step('count', increment)
}

async function increment(): Promise<void> {
  for (;;) {
    const stored = await bank.read('count')
    const next = { payload: String(Number(stored?.payload ?? 0) + 1), expires: null }
    if ((await bank.swap('count', stored?.version ?? null, next, Date.now())) !== null) return
  }
}

/** A payload of several pages, in which a mixture of two would show. */
function whole(n: number): string {
  return `${n};`.repeat(4_000)
}
