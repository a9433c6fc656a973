import type { Bank } from 'connect-databank/backend'
import { type Finding, fail, messageOf, ok, warn } from './finding.ts'

/** No session has this id: express-session's are longer, and random. */
const ID = 'connect-databank-doctor'
const READS = 50
/** A slower read, in milliseconds, is noticeable: a request waits for two operations. */
const SLOW = 50

/** Times some reads of a session that does not exist, one after the other. */
export async function latency(bank: Bank): Promise<Finding> {
  const times: number[] = []
  try {
    await bank.read(ID) // Connects.
    for (let read = 0; read < READS; read++) {
      const start = performance.now()
      await bank.read(ID)
      times.push(performance.now() - start)
    }
  } catch (error) {
    return fail('latency', `a read failed: ${messageOf(error)}`)
  }
  times.sort((one, other) => one - other)
  const at = (part: number): number => times[Math.ceil(part * READS) - 1]!
  const message = `a read takes ${rounded(at(0.5))} ms (p50), ${rounded(at(0.99))} ms (p99)`
  if (at(0.5) <= SLOW) return ok('latency', message)
  return warn(
    'latency',
    `${message}; each request waits for two operations`,
    'move the database near the application, or set touchAfter: 60_000',
  )
}

function rounded(milliseconds: number): string {
  return milliseconds.toFixed(milliseconds < 10 ? 1 : 0)
}
