/**
 * What is used of the driver, as structural types: a client of `mongodb` 6 and one of 7 both fit, from any copy of the package.
 * Functions are declared as methods, because the driver's own parameters are stricter.
 */

/** A document as the driver returns it. */
export interface StoredDocument {
  readonly _id: unknown
  readonly [field: string]: unknown
}

export type Filter = Readonly<Record<string, unknown>>
/** Update operators, or a pipeline. */
export type Change = Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[]

export interface UpdateResult {
  readonly matchedCount: number
  readonly upsertedCount: number
}

export interface Cursor extends AsyncIterable<unknown> {
  toArray(): Promise<unknown[]>
}

export interface IndexDescription {
  // biome-ignore lint/suspicious/noExplicitAny: the driver declares a Map or an object
  readonly key: any
  readonly expireAfterSeconds?: number | undefined
  readonly partialFilterExpression?: unknown
}

export interface Collection {
  /** `database.collection` */
  readonly namespace: string
  readonly writeConcern?: { readonly w?: unknown } | undefined
  findOne(filter: object, options?: object): Promise<unknown>
  find(filter: object, options?: object): Cursor
  updateOne(filter: object, update: object, options?: object): Promise<UpdateResult>
  // biome-ignore lint/suspicious/noExplicitAny: the driver declares a dozen kinds of operations
  bulkWrite(operations: any[], options?: object): Promise<unknown>
  deleteOne(filter: object, options?: object): Promise<{ readonly deletedCount: number }>
  deleteMany(filter: object, options?: object): Promise<{ readonly deletedCount: number }>
  countDocuments(filter: object, options?: object): Promise<number>
  createIndex(keys: Record<string, 1>, options?: object): Promise<string>
  indexes(): Promise<IndexDescription[]>
}

/** A `MongoClient` of the driver 6 or 7. */
export interface MongoClientLike {
  readonly writeConcern?: { readonly w?: unknown } | undefined
  db(name?: string): {
    collection(name: string, options?: object): Collection
    command(command: object, options?: object): Promise<unknown>
  }
  /** The driver has it from 6.10 on. */
  bulkWrite?(models: BulkModels, options?: object): Promise<BulkResult>
  connect(): Promise<unknown>
  close(): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: the driver declares a type parameter for each collection
type BulkModels = any

/** What `MongoClient.bulkWrite` returns. */
export interface BulkResult {
  /** By the position of the update. */
  readonly updateResults?: ReadonlyMap<number, BulkUpdateResult> | undefined
}

/** What became of one update of `MongoClient.bulkWrite`. */
export interface BulkUpdateResult {
  readonly matchedCount: number
  readonly didUpsert: boolean
}

/**
 * What the driver makes of BSON, whatever the caller's client is set to. Invalid UTF-8 in one document must not fail a read of
 * many, so it is read as U+FFFD.
 */
export const BSON_OPTIONS = {
  promoteValues: true,
  promoteLongs: true,
  promoteBuffers: false,
  useBigInt64: false,
  bsonRegExp: false,
  raw: false,
  fieldsAsRaw: {},
  ignoreUndefined: false,
  serializeFunctions: false,
  enableUtf8Validation: false,
}
