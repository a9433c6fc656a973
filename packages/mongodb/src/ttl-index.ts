import type { Collection } from './driver.ts'
import { failure, serverCode } from './failures.ts'

/** IndexOptionsConflict, IndexKeySpecsConflict */
const OTHER_OPTIONS = new Set<unknown>([85, 86])
/**
 * Makes the index by which the server frees expired sessions, the one that connect-mongo makes. Where it cannot be had the
 * sessions work without it, and the store's own clean-up frees them: a warning, not an error.
 */
export async function makeTtlIndex(collection: Collection, name: string, warn: (message: string) => void): Promise<void> {
  try {
    // On a large collection this may take its time, so the socket has no time-out meanwhile.
    await collection.createIndex({ expires: 1 }, { expireAfterSeconds: 0, socketTimeoutMS: 0 })
  } catch (error) {
    if (isPassing(error)) throw error
    const what = OTHER_OPTIONS.has(serverCode(error))
      ? 'its index on expires has other options and is used as it is'
      : 'no TTL index on expires could be made'
    warn(`collection ${name}: ${what}; the store's own clean-up frees expired sessions (${(error as Error).message})`)
  }
}

/** Whether another try may go better: the server could not be reached, or does not know us. */
function isPassing(error: unknown): boolean {
  const { code } = failure(error)
  return (
    code === 'DATABANK_UNAVAILABLE' || code === 'DATABANK_TIMEOUT' || serverCode(error) === undefined || serverCode(error) === 18
  )
}
