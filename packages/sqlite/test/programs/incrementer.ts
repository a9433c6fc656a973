// Adds to a counter by compare-and-swap: `incrementer <path> <id> <times>`. Prints the longest time that one addition took, in milliseconds.
import { SqliteBank } from '../../src/index.ts'

const [path, id, times] = process.argv.slice(2) as [string, string, string]
const bank = new SqliteBank({ path })
let longest = 0
for (let done = 0; done < Number(times); done++) {
  const start = performance.now()
  await add()
  longest = Math.max(longest, performance.now() - start)
}
await bank.close()
console.log(longest)

async function add(): Promise<void> {
  for (;;) {
    const stored = await bank.read(id)
    const next = { payload: String(Number(stored?.payload ?? 0) + 1), expires: null }
    if ((await bank.swap(id, stored?.version ?? null, next, Date.now())) !== null) return
  }
}
