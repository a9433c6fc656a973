import { setTimeout as sleep } from 'node:timers/promises'

/** The bytes in use after garbage collection. The process needs --expose-gc. */
export async function collected() {
  // Weak references and finalizers release some of it only in a later iteration of the event loop.
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.()
    await sleep(20)
  }
  return process.memoryUsage().heapUsed
}
