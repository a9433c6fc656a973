import type { BankContext } from 'connect-databank/backend'
import type { Collection, IndexDescription } from './driver.ts'
import { mongoError, serverCode } from './errors.ts'

/** IndexOptionsConflict, IndexKeySpecsConflict: there is an index of these fields with other options. */
const OTHER_OPTIONS: readonly unknown[] = [85, 86]
/** AuthenticationFailed */
const UNAUTHENTICATED = 18

/**
 * Makes the indexes, each once. Sessions work without them, so a failure is a warning: the store's own clean-up deletes expired
 * sessions, and the sessions of an owner are found by reading all.
 */
export class Indexes {
  readonly #collection: Collection
  readonly #warn: (message: string) => void
  #ttl: Promise<void> | undefined
  #owner: Promise<void> | undefined

  constructor(collection: Collection, context: BankContext) {
    this.#collection = collection
    this.#warn = (message) => context.warn(`collection ${collection.namespace}: ${message}`)
  }

  /** The index by which the server deletes expired sessions. It is the one that connect-mongo makes. */
  ensureTtl(): Promise<void> {
    this.#ttl ??= this.#make({ expires: 1 }, { expireAfterSeconds: 0 }, (error) => this.#warnOfTtl(error)).catch(() => {
      this.#ttl = undefined
    })
    return this.#ttl
  }

  /** The index by which the sessions of an owner are found. Documents without an owner are not in it. */
  ensureOwner(): Promise<void> {
    this.#owner ??= this.#make({ owner: 1 }, { sparse: true }, async (error) => {
      if (OTHER_OPTIONS.includes(serverCode(error))) return
      this.#warn(`no index on owner could be made; the sessions of an owner are found by reading all (${messageOf(error)})`)
    }).catch(() => {
      this.#owner = undefined
    })
    return this.#owner
  }

  /** Rejects if another attempt may succeed. */
  async #make(keys: Record<string, 1>, options: object, onFailure: (error: unknown) => Promise<void>): Promise<void> {
    try {
      // On a large collection this takes its time, so the socket has no time-out meanwhile.
      await this.#collection.createIndex(keys, { ...options, socketTimeoutMS: 0 })
    } catch (error) {
      if (isTemporary(error)) throw error
      await onFailure(error)
    }
  }

  async #warnOfTtl(error: unknown): Promise<void> {
    const isThere = OTHER_OPTIONS.includes(serverCode(error))
    if (isThere && (await this.#collection.indexes()).some(isTtlIndex)) return
    const what = isThere ? 'its index on expires is no TTL index of 0 seconds' : 'no TTL index on expires could be made'
    this.#warn(`${what}; the store's own clean-up deletes expired sessions (${messageOf(error)})`)
  }
}

/** Whether the index does what ours would, whatever its other options are. */
function isTtlIndex({ key, expireAfterSeconds, partialFilterExpression }: IndexDescription): boolean {
  const isOnExpires = Object.keys(key).length === 1 && Math.abs(Number(key['expires'])) === 1
  return isOnExpires && expireAfterSeconds === 0 && partialFilterExpression === undefined
}

/** Whether another attempt may succeed: the server could not be reached, or its answer was no decision about the index. */
function isTemporary(error: unknown): boolean {
  const code = serverCode(error)
  return (
    code === undefined ||
    code === UNAUTHENTICATED ||
    ['DATABANK_UNAVAILABLE', 'DATABANK_TIMEOUT'].includes(mongoError(error).code)
  )
}

function messageOf(error: unknown): string {
  return (error as Error).message
}
