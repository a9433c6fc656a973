import type { Collection, IndexDescription } from './driver.ts'
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
    const isThere = OTHER_OPTIONS.has(serverCode(error))
    if (isThere && (await collection.indexes()).some(isTtlIndex)) return
    const what = isThere ? 'its index on expires is no TTL index of 0 seconds' : 'no TTL index on expires could be made'
    warn(`collection ${name}: ${what}; the store's own clean-up frees expired sessions (${(error as Error).message})`)
  }
}

/** Whether it does what ours would, whatever else it says of itself. */
function isTtlIndex({ key, expireAfterSeconds, partialFilterExpression }: IndexDescription): boolean {
  const isOnExpires = Object.keys(key).length === 1 && Math.abs(Number(key['expires'])) === 1
  return isOnExpires && expireAfterSeconds === 0 && partialFilterExpression === undefined
}

/** Whether another try may go better: the server could not be reached, or does not know us. */
function isPassing(error: unknown): boolean {
  const { code } = failure(error)
  return (
    code === 'DATABANK_UNAVAILABLE' || code === 'DATABANK_TIMEOUT' || serverCode(error) === undefined || serverCode(error) === 18
  )
}
