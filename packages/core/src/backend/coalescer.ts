import { coded, DatabankError, type ErrorCode } from '../errors.ts'
import { Batches, type BatchLimits, UNLIMITED } from './batches.ts'

/** Failures that can concern one member of a batch. All others concern the database, and single requests would only add load. */
const OF_ONE_MEMBER: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'DATABANK_INVALID_ID',
  'DATABANK_INVALID_SESSION',
  'DATABANK_INVALID_RECORD',
])

interface Pending<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result | PromiseLike<Result>) => void
  readonly reject: (error: unknown) => void
}

/** Collects requests of one kind and sends them as one. Each request keeps its own result. */
export class Coalescer<Item, Result> {
  readonly #one: (item: Item) => Promise<Result>
  readonly #many: (items: readonly Item[]) => Promise<readonly (Result | PromiseLike<Result>)[]>
  readonly #batches: Batches<Pending<Item, Result>>

  /**
   * @param one sends a single request
   * @param many sends several; the results are in the order of the items. Items may be sent again with `one` if it fails. A result may
   * be a promise, which fails its own request alone
   */
  constructor(
    one: (item: Item) => Promise<Result>,
    many: (items: readonly Item[]) => Promise<readonly (Result | PromiseLike<Result>)[]>,
    { weightOf, weight }: BatchLimits<Item> = UNLIMITED,
  ) {
    this.#one = one
    this.#many = many
    this.#batches = new Batches((batch) => (batch.length === 1 ? this.#sendOne(batch[0]!) : this.#sendMany(batch)), {
      weightOf: ({ item }) => weightOf(item),
      weight,
    })
  }

  request(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => this.#batches.add({ item, resolve, reject }))
  }

  isWaiting(predicate: (item: Item) => boolean): boolean {
    return this.#batches.isWaiting(({ item }) => predicate(item))
  }

  /** Sends all waiting requests now. */
  flush(): void {
    this.#batches.flush()
  }

  async #sendMany(batch: readonly Pending<Item, Result>[]): Promise<unknown> {
    try {
      const results = await this.#many(batch.map(({ item }) => item))
      if (results.length !== batch.length) throw new Error(`${batch.length} requests got ${results.length} results`)
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result | PromiseLike<Result>)
    } catch (error) {
      const failure = coded(error)
      if (OF_ONE_MEMBER.has(failure.code)) return Promise.all(batch.map((pending) => this.#sendOne(pending)))
      // Each caller gets its own error object, because callers may change it.
      for (const { reject } of batch) reject(new DatabankError(failure.code, failure.message, { cause: failure }))
    }
  }

  async #sendOne({ item, resolve, reject }: Pending<Item, Result>): Promise<void> {
    try {
      resolve(await this.#one(item))
    } catch (error) {
      reject(error)
    }
  }
}
