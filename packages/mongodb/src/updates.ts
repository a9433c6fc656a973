import { Coalescer } from 'connect-databank/backend'
import {
  BSON_OPTIONS,
  type BulkResult,
  type BulkUpdateResult,
  type Change,
  type Collection,
  type Filter,
  type MongoClientLike,
} from './driver.ts'
import { bulkRefusals, isNotSent, isUnknownCommand, mongoError } from './errors.ts'

/** An update of one document. */
export interface Update {
  readonly filter: Filter
  readonly change: Change
  /** Inserts a document if the filter matches none. */
  readonly upsert: boolean
  /** About how many bytes are sent. */
  readonly weight: number
}

/** The most bytes that are sent as one command. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024
const DUPLICATE_KEY = 11000

/**
 * Sends updates. Those that come in together are one `bulkWrite`, the command of MongoDB 8 that says of each update whether it matched.
 * A server without the command gets one command for each update.
 */
export class Updates {
  readonly #client: MongoClientLike
  readonly #collection: Collection
  readonly #coalescer = new Coalescer<Update, boolean>(
    (update) => this.#sendOne(update),
    (updates) => this.#sendMany(updates),
    { weightOf: ({ weight }) => weight, weight: MAX_BATCH_BYTES },
  )
  #hasBulkWrite: boolean

  constructor(client: MongoClientLike, collection: Collection) {
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
    try {
      const { updateResults } = await this.#bulkWrite(updates)
      return updates.map((_, index) => isDone(updateResults?.get(index)))
    } catch (error) {
      return this.#afterFailure(updates, error)
    }
  }

  #bulkWrite(updates: readonly Update[]): Promise<BulkResult> {
    const { namespace, writeConcern } = this.#collection
    const models = updates.map(({ filter, change, upsert }) => ({ namespace, name: 'updateOne', filter, update: change, upsert }))
    const options = { ...BSON_OPTIONS, ordered: false, verboseResults: true, ...(writeConcern !== undefined && { writeConcern }) }
    return this.#client.bulkWrite!(models, options)
  }

  #afterFailure(updates: readonly Update[], error: unknown): (boolean | Promise<boolean>)[] {
    if (isUnknownCommand(error)) this.#hasBulkWrite = false
    if (isUnknownCommand(error) || isNotSent(error)) return updates.map((update) => this.#sendOne(update))
    const bulk = bulkRefusals(error)
    if (bulk === undefined) throw mongoError(error)
    return updates.map((update, index) => {
      const refusal = bulk.refusals.get(index)
      if (refusal === undefined) return isDone(bulk.results?.get(index))
      // Only the answer to a single update says which index has the duplicate.
      return refusal.code === DUPLICATE_KEY ? this.#sendOne(update) : Promise.reject(mongoError(refusal))
    })
  }
}

function isDone(result: BulkUpdateResult | undefined): boolean {
  if (result === undefined) throw new Error('the answer to bulkWrite says nothing about one of the updates')
  return result.matchedCount === 1 || result.didUpsert
}
