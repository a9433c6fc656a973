import type { BankContext } from 'connect-databank/backend'
import type { Collection, Document } from 'mongodb'
import { mongoError, serverCode } from './errors.ts'
import type { StoredDocument } from './records.ts'

/** IndexOptionsConflict, IndexKeySpecsConflict: there is an index of these fields with other options. */
const OTHER_OPTIONS: readonly unknown[] = [85, 86]
/** AuthenticationFailed */
const UNAUTHENTICATED = 18

/**
 * Creates the indexes, each once. Sessions work without them, so a failure is a warning: the store's own clean-up deletes expired
 * sessions, and the sessions of an owner are found by reading all.
 */
export class Indexes {
  readonly #collection: Collection<StoredDocument>
  readonly #warn: (message: string) => void
  #ttl: Promise<void> | undefined
  #owner: Promise<void> | undefined

  /** @param hasTtl whether a TTL index is wanted */
  constructor(collection: Collection<StoredDocument>, context: BankContext, hasTtl: boolean) {
    this.#collection = collection
    this.#warn = (message) => context.warn(`collection ${collection.namespace}: ${message}`)
    if (!hasTtl) this.#ttl = Promise.resolve()
  }

  /** The index by which the server deletes expired sessions. It is the one that connect-mongo makes. */
  ensureTtl(): Promise<void> {
    this.#ttl ??= this.#make({ expires: 1 }, { expireAfterSeconds: 0 }, async (error, isThere) => {
      if (isThere && (await this.#collection.indexes()).some(isTtlIndex)) return
      const what = isThere ? 'its index on expires is no TTL index of 0 seconds' : 'no TTL index on expires could be made'
      this.#warn(`${what}; the store's own clean-up deletes expired sessions (${error.message})`)
    }).catch(() => {
      this.#ttl = undefined
    })
    return this.#ttl
  }

  /** The index by which the sessions of an owner are found. Documents without an owner are not in it. */
  ensureOwner(): Promise<void> {
    this.#owner ??= this.#make({ owner: 1 }, { sparse: true }, async (error, isThere) => {
      if (isThere) return
      this.#warn(`no index on owner could be made; the sessions of an owner are found by reading all (${error.message})`)
    }).catch(() => {
      this.#owner = undefined
    })
    return this.#owner
  }

  /** Rejects if another attempt may succeed. */
  async #make(
    keys: Record<string, 1>,
    options: object,
    onRefusal: (error: Error, isThere: boolean) => Promise<void>,
  ): Promise<void> {
    try {
      // This may take long on a large collection, so the socket has no time-out meanwhile.
      const withoutTimeout: object = { ...options, socketTimeoutMS: 0 }
      await this.#collection.createIndex(keys, withoutTimeout)
    } catch (error) {
      if (isTemporary(error)) throw error
      await onRefusal(error as Error, OTHER_OPTIONS.includes(serverCode(error)))
    }
  }
}

/** Whether the index has the effect of ours, whatever its other options are. */
function isTtlIndex({ key, expireAfterSeconds, partialFilterExpression }: Document): boolean {
  const isOnExpires = Object.keys(key).length === 1 && Math.abs(Number(key.expires)) === 1
  return isOnExpires && expireAfterSeconds === 0 && partialFilterExpression === undefined
}

/** Whether another attempt may succeed: the server could not be reached, or its answer was no decision about the index. */
function isTemporary(error: unknown): boolean {
  const code = serverCode(error)
  if (code === undefined || code === UNAUTHENTICATED) return true
  return ['DATABANK_UNAVAILABLE', 'DATABANK_TIMEOUT'].includes(mongoError(error).code)
}
