// Writes a lot, and then leaves the bank open: `idle <path>`.
import { SqliteBank } from '../../src/index.ts'

const bank = new SqliteBank({ path: process.argv[2]! })
// Longer than it takes until the thread for checkpoints is there, and makes the log begin anew. Nothing else keeps the process alive.
const end = performance.now() + 1_500
const entry = { payload: 'x'.repeat(6_000), expires: null }
while (performance.now() < end) await Promise.all(Array.from({ length: 50 }, (_, n) => bank.save(`id-${n}`, entry)))
await bank.save('last', entry)
console.log('done')
