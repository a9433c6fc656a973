// Writes, and then leaves the bank open: `idle <path> <milliseconds>`. For so long, it writes as fast as it can.
import { SqliteBank } from '../../src/index.ts'

const [path, milliseconds] = process.argv.slice(2) as [string, string]
const bank = new SqliteBank({ path })
const entry = { payload: 'x'.repeat(6_000), expires: null }
const end = performance.now() + Number(milliseconds)
// The thread for checkpoints makes the log begin anew, and writers wait for it. Nothing else keeps the process alive.
while (performance.now() < end) await Promise.all(Array.from({ length: 50 }, (_, n) => bank.save(`id-${n}`, entry)))
await bank.save('last', entry)
// Longer than it takes until the thread is there.
await new Promise((resolve) => setTimeout(resolve, 800))
console.log('done')
