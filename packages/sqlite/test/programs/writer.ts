// Writes as fast as it can for some time, many at once: `writer <path> <name> <milliseconds>`. Prints as JSON how many writes there
// were, and what failed.
import { SqliteBank } from '../../src/index.ts'

const [path, name, milliseconds] = process.argv.slice(2) as [string, string, string]
const bank = new SqliteBank({ path })
await bank.open()
process.stdout.write('ready\n')
await new Promise((resolve) => process.stdin.once('data', resolve))
process.stdin.destroy()
const end = performance.now() + Number(milliseconds)
const failures: string[] = []
let [count, longest] = [0, 0]
await Promise.all(Array.from({ length: 16 }, (_, lane) => write(`${name}-${lane}`)))
await bank.close()
process.stdout.write(`${JSON.stringify({ count, longest, failures })}\n`)

async function write(id: string): Promise<void> {
  while (performance.now() < end) {
    const start = performance.now()
    await bank.save(id, { payload: 'x'.repeat(2_000), expires: null }).catch((error) => failures.push(error.message))
    longest = Math.max(longest, performance.now() - start)
    count += 1
  }
}
