// Adds to a counter by compare-and-swap: `incrementer <path> <id> <times>`.
import { DiskBank } from '../../src/bank.ts'

const [path, id, times] = process.argv.slice(2) as [string, string, string]
const bank = new DiskBank({ path })
for (let done = 0; done < Number(times); ) {
  const stored = await bank.read(id)
  const next = { payload: String(Number(stored?.payload ?? 0) + 1), expires: null }
  if ((await bank.swap(id, stored?.payload ?? null, next, Date.now())) !== null) done++
}
await bank.close()
