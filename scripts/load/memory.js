import { setTimeout as sleep } from 'node:timers/promises'

/** The bytes in use when all that can be collected is; the process was started with --expose-gc. */
export async function collected() {
  // Weak references and finalizers free some of it only a turn of the loop later.
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.()
    await sleep(20)
  }
  return process.memoryUsage().heapUsed
}
