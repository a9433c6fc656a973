// Writes until it is killed, and says of each write when it begins and when it is acknowledged, on its output or in a file:
// `killed <path> <name> <durable> [<log>]`. May be a process or a worker.
import fs from 'node:fs'
import { DiskBank } from '../../src/bank.ts'

const [path, name, durable, log] = process.argv.slice(2) as [string, string, string, string?]
const bank = new DiskBank({ path, durable: durable === 'durable' })

// Synchronous: a pipe or a file keeps what was written to it when its writer is killed.
const output = log === undefined ? 1 : fs.openSync(log, 'a')
const say = (text: string): void => {
  fs.writeSync(output, `${text}\n`)
}
const step = async (text: string, act: () => Promise<unknown>): Promise<void> => {
  say(`begin ${text}`)
  await act()
  say(`end ${text}`)
}
const far = Date.now() + 3_600_000

say('ready')
for (let n = 1; ; n++) {
  await step(`kept ${n} ${far + n}`, () => bank.save(`kept-${name}`, { payload: whole(n), expires: far + n, owner: `${n}` }))
  await step(`kept ${n} ${far + n + 500_000}`, () => bank.touch(`kept-${name}`, far + n + 500_000, Date.now()))
  await step(`gone ${n} -`, () => bank.save(`gone-${name}`, { payload: whole(n), expires: null, owner: `${n}` }))
  await step(`gone - -`, () => bank.delete(`gone-${name}`))
  await step('count', increment)
}

async function increment(): Promise<void> {
  for (;;) {
    const stored = await bank.read('count')
    const next = { payload: String(Number(stored?.payload ?? 0) + 1), expires: null }
    if ((await bank.swap('count', stored?.payload ?? null, next, Date.now())) !== null) return
  }
}

/** A payload of several pages, in which a mixture of two would show. */
function whole(n: number): string {
  return `${n};`.repeat(4_000)
}
