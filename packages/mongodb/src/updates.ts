import { Coalescer } from 'connect-databank/backend'
import type { ClientUpdateResult, Collection, Document, MongoClient } from 'mongodb'
import { isDuplicateId, isNotSent, isUnknownCommand, mongoError, refusalsOf } from './errors.ts'
import { BSON_OPTIONS, type StoredDocument } from './records.ts'

/** An update of one document. */
export interface Update {
  readonly filter: Document
  /** Update operators, or a pipeline. */
  readonly change: Document | Document[]
  /** Inserts a document if the filter matches none. */
  readonly upsert: boolean
  /** About how many bytes are sent. */
  readonly weight: number
}

/** The most bytes that are sent as one command. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024

/**
 * Sends updates. Updates that arrive together are one `bulkWrite`, the command of MongoDB 8 that reports for each update whether it matched.
 * A server without the command, and a driver before 6.10, get one command for each update.
 */
export class Updates {
  readonly #client: MongoClient
  readonly #collection: Collection<StoredDocument>
  readonly #coalescer = new Coalescer<Update, boolean>(
    (update) => this.#sendOne(update),
    (updates) => this.#sendMany(updates),
    { weightOf: ({ weight }) => weight, weight: MAX_BATCH_BYTES },
  )
  #hasBulkWrite: boolean

  constructor(client: MongoClient, collection: Collection<StoredDocument>) {
    this.#client = client
    this.#collection = collection
    this.#hasBulkWrite = client.bulkWrite !== undefined
  }

  /** Returns whether a document was changed or inserted. */
  apply(update: Update): Promise<boolean> {
    return this.#coalescer.request(update)
  }

  async #sendOne({ filter, change, upsert }: Update): Promise<boolean> {
    const { matchedCount, upsertedCount } = await this.#collection.updateOne(filter, change, { upsert })
    return matchedCount + upsertedCount === 1
  }

  async #sendMany(updates: readonly Update[]): Promise<(boolean | Promise<boolean>)[]> {
    if (!this.#hasBulkWrite) return updates.map((update) => this.#sendOne(update))
    const { namespace, writeConcern } = this.#collection
    const models = updates.map(
      ({ filter, change: update, upsert }) => ({ namespace, name: 'updateOne', filter, update, upsert }) as const,
    )
    const options = { ...BSON_OPTIONS, ordered: false, verboseResults: true, ...(writeConcern !== undefined && { writeConcern }) }
    try {
      const { updateResults } = await this.#client.bulkWrite(models, options)
      return updates.map((_, index) => isDone(updateResults?.get(index)))
    } catch (error) {
      return this.#afterFailure(updates, error)
    }
  }

  #afterFailure(updates: readonly Update[], error: unknown): (boolean | Promise<boolean>)[] {
    if (isUnknownCommand(error)) this.#hasBulkWrite = false
    if (isUnknownCommand(error) || isNotSent(error)) return updates.map((update) => this.#sendOne(update))
    const { writeErrors, partialResult } = refusalsOf(error)
    return updates.map((update, index) => {
      const refusal = writeErrors.get(index)
      if (refusal === undefined) return isDone(partialResult?.updateResults?.get(index))
      // Only the answer to a single update names the index with the duplicate.
      return isDuplicateId(refusal) ? this.#sendOne(update) : Promise.reject(mongoError(refusal))
    })
  }
}

function isDone(result: ClientUpdateResult | undefined): boolean {
  if (result === undefined) throw new Error('the answer to bulkWrite says nothing about one of the updates')
  return result.matchedCount === 1 || result.didUpsert
}
