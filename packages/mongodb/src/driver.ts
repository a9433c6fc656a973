/**
 * What we use of the driver, by structure: a client of `mongodb` 6 and one of 7 both fit, from whatever copy of the package.
 * Methods stand here as methods, so that the driver's own, stricter parameters are no hindrance.
 */

/** A document as the driver gives it. */
export interface StoredDocument {
  readonly _id: unknown
  readonly session?: unknown
  readonly expires?: unknown
  readonly [field: string]: unknown
}

export type Filter = Record<string, unknown>
export type Change = Record<string, unknown>

/** One of many updates that go out together. */
export interface UpdateOne {
  readonly updateOne: { readonly filter: Filter; readonly update: Change }
}

export interface WriteResult {
  readonly matchedCount: number
  readonly upsertedCount: number
}

export interface Cursor extends AsyncIterable<unknown> {
  toArray(): Promise<unknown[]>
}

export interface IndexDescription {
  // biome-ignore lint/suspicious/noExplicitAny: the driver has a Map or an object here
  readonly key: any
  readonly expireAfterSeconds?: number | undefined
  readonly partialFilterExpression?: unknown
}

export interface Collection {
  findOne(filter: object, options?: object): Promise<unknown>
  find(filter: object, options?: object): Cursor
  updateOne(filter: object, update: object, options?: object): Promise<WriteResult>
  // A driver of type parameters answers with a union here, of which `WriteResult` is one part.
  replaceOne(filter: object, replacement: object, options?: object): Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: the driver's type of an operation has a dozen forms
  bulkWrite(operations: any[], options?: object): Promise<unknown>
  deleteOne(filter: object, options?: object): Promise<{ readonly deletedCount: number }>
  deleteMany(filter: object, options?: object): Promise<{ readonly deletedCount: number }>
  countDocuments(filter: object, options?: object): Promise<number>
  createIndex(keys: Record<string, 1>, options?: object): Promise<string>
  indexes(): Promise<IndexDescription[]>
  readonly writeConcern?: { readonly w?: unknown } | undefined
}

export interface ClientSession {
  readonly hasEnded: boolean
  endSession(): Promise<void>
}

/** A `MongoClient` of the driver 6 or 7. */
export interface MongoClientLike {
  db(name?: string): { collection(name: string, options?: object): Collection }
  /** Without it, the driver makes a session for each command. */
  startSession?(options?: object): ClientSession
  connect(): Promise<unknown>
  close(): Promise<void>
}
