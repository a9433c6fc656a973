// Writes until it is killed, and says of each write when it begins and when it is acknowledged: `victim <folder> <name> <durable>`.
import fs from 'node:fs'
import { DiskBank } from '../../src/bank.ts'

const [path, name, durable] = process.argv.slice(2) as [string, string, string]
const bank = new DiskBank({ path, durable: durable === 'durable' })

// A pipe keeps what was written to it when its writer is killed.
const say = (words: string): void => {
  fs.writeSync(1, `${words}\n`)
}
const step = async (words: string, act: () => Promise<unknown>): Promise<void> => {
  say(`begin ${words}`)
  await act()
  say(`end ${words}`)
}
const far = Date.now() + 3_600_000

say('ready')
for (let n = 1; ; n++) {
  await step(`kept ${n} ${far + n}`, () => bank.save(`kept-${name}`, { payload: whole(n), expires: far + n }))
  await step(`kept ${n} ${far + n + 500_000}`, () => bank.touch(`kept-${name}`, far + n + 500_000))
  await step(`gone ${n} -`, () => bank.save(`gone-${name}`, { payload: whole(n), expires: null }))
  await step(`gone - -`, () => bank.delete(`gone-${name}`))
  await step('count', increment)
}

async function increment(): Promise<void> {
  for (;;) {
    const there = await bank.read('count')
    const next = { payload: String(Number(there?.payload ?? 0) + 1), expires: null }
    if (await bank.swap('count', there?.payload ?? null, next)) return
  }
}

/** A payload of several pages, in which a mixture of two would show. */
function whole(n: number): string {
  return `${n};`.repeat(4_000)
}
