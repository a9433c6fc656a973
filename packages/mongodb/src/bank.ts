import {
  type Bank,
  type BankContext,
  type BankDescription,
  DEFAULT_CONTEXT,
  type Entry,
  isLive,
  type Lifecycle,
  type Stored,
  type Touch,
  versionOf,
} from 'connect-databank/backend'
import type { Document, FindCursor } from 'mongodb'
import { type Connected, connectionOf } from './connection.ts'
import { isDuplicateId } from './errors.ts'
import { checkMongoOptions, type MongoBankOptions } from './options.ts'
import {
  BSON_OPTIONS,
  checkSize,
  databankRecords,
  type Records,
  type StoredDocument,
  sessionRecords,
  subDocumentOf,
} from './records.ts'

/** How many documents one answer holds while all are listed. */
const BATCH_SIZE = 200
/** The most attempts of a save with parallel first saves of the same id. */
const MAX_ATTEMPTS = 3
/** Work on all documents may take this many times as long as one operation. */
const LONG = 12

/**
 * Sessions in a MongoDB collection, in the layout of connect-mongo. The payload is the version.
 *
 * @example
 * const bank = new MongoBank({ url: 'mongodb://127.0.0.1/app', collectionName: 'sessions' })
 */
export class MongoBank implements Bank {
  readonly name = 'mongodb'
  readonly #connection: Lifecycle<Connected>
  readonly #records: Records
  /** The form in which payloads are stored. */
  readonly #sessionOf: (payload: string) => string | object
  /** The time that a command on all documents may take. */
  readonly #long: object

  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: MongoBankOptions = {}, context: BankContext = DEFAULT_CONTEXT) {
    checkMongoOptions(options)
    this.#connection = connectionOf(options, context)
    this.#records = options.readDatabank === true ? databankRecords : sessionRecords
    this.#sessionOf = options.native === true ? subDocumentOf : (payload) => payload
    this.#long = { socketTimeoutMS: context.timeout * LONG }
  }

  read(id: string): Promise<Stored | null> {
    return this.#run(async ({ collection }) => this.#storedOf(await collection.findOne({ _id: id })))
  }

  save(id: string, entry: Entry): Promise<void> {
    return this.#run(async (connected) => {
      // Two first saves of one id may both find no document. The refused one finds the document at its next attempt.
      for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
        if (await this.#writeUnlessDuplicate(connected, { _id: id }, entry)) return
      }
      await this.#write(connected, { _id: id }, entry, true)
    })
  }

  delete(id: string): Promise<boolean> {
    return this.#run(async ({ collection }) => (await collection.deleteOne({ _id: id })).deletedCount === 1)
  }

  touch(id: string, expires: number | null, now: number): Promise<void> {
    return this.touchMany([[id, expires]], now)
  }

  swap(id: string, expected: string | null, entry: Entry, now: number): Promise<string | null> {
    return this.#run(async (connected) => {
      const isDone =
        expected === null
          ? await this.#writeUnlessDuplicate(connected, { _id: id, ...this.#records.expired(now) }, entry)
          : await this.#replace(connected, id, expected, entry, now)
      return isDone ? entry.payload : null
    })
  }

  readMany(ids: readonly string[]): Promise<(Stored | null)[]> {
    return this.#run(async ({ collection }) => {
      const found = await collection.find({ _id: { $in: ids } }, { batchSize: ids.length + 1 }).toArray()
      const documents = new Map(found.map((document) => [document._id, document]))
      return ids.map((id) => this.#storedOf(documents.get(id)))
    }, ids.length)
  }

  touchMany(touches: readonly Touch[], now: number): Promise<void> {
    return this.#run(async ({ collection }) => {
      const updates = touches.flatMap(([id, expires]) => this.#records.touches(id, expires, now))
      const [first] = updates
      if (first === undefined) return
      if (updates.length === 1) await collection.updateOne(...first)
      else
        await collection.bulkWrite(
          updates.map(([filter, update]) => ({ updateOne: { filter, update } })),
          { ordered: false },
        )
    }, touches.length)
  }

  async *scan(): AsyncGenerator<readonly [id: string, stored: Stored]> {
    const documents = this.#stream(({ collection }) => collection.find({}, { batchSize: BATCH_SIZE }))
    for await (const document of documents) yield [document._id, this.#records.storedOf(document)]
  }

  async *idsOf(owner: string): AsyncGenerator<string> {
    const filter = { owner: { $eq: owner }, ...this.#records.live(Date.now()) }
    const options = { projection: { _id: 1 }, batchSize: BATCH_SIZE, readPreference: 'primary' as const }
    for await (const { _id } of this.#stream(({ collection }) => collection.find(filter, options))) yield _id
  }

  count(now: number): Promise<number> {
    return this.#run(({ collection }) => collection.countDocuments(this.#records.live(now), this.#long))
  }

  clear(): Promise<void> {
    return this.#run(async ({ collection }) => {
      await collection.deleteMany({}, this.#long)
    })
  }

  purge(now: number): Promise<number> {
    return this.#run(async ({ collection }) => {
      const { deletedCount } = await collection.deleteMany(this.#records.expired(now), this.#long)
      return deletedCount
    })
  }

  describe(): Promise<BankDescription> {
    return this.#run(async ({ client }) => {
      const { version } = await client.db('admin').command({ buildInfo: 1 }, BSON_OPTIONS)
      return { server: `MongoDB ${version}` }
    })
  }

  open(): Promise<void> {
    return this.#connection.open()
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  /** @param operations the number of the caller's operations in the work */
  #run<T>(work: (connected: Connected) => Promise<T>, operations = 1): Promise<T> {
    return this.#connection.run((connected) => {
      // Created when the bank connected, unless that was impossible.
      void connected.indexes.ensureTtl()
      return work(connected)
    }, operations)
  }

  /** Yields the documents of sessions: others have no text as `_id`. */
  async *#stream(find: (connected: Connected) => FindCursor<StoredDocument>): AsyncGenerator<StoredDocument> {
    for await (const document of this.#connection.stream(find)) {
      if (typeof document._id === 'string' && document._id !== '') yield document
    }
  }

  /** Writes if the filter matches the document, or there is none. Returns whether it did. */
  async #writeUnlessDuplicate(connected: Connected, filter: Document, entry: Entry): Promise<boolean> {
    try {
      return await this.#write(connected, filter, entry, true)
    } catch (error) {
      // The filter matched no document, and yet there is one.
      if (isDuplicateId(error)) return false
      throw error
    }
  }

  /** Writes if this version is stored and unexpired. Returns whether it did. */
  async #replace(connected: Connected, id: string, expected: string, entry: Entry, now: number): Promise<boolean> {
    const live = this.#records.live(now)
    if (await this.#write(connected, { _id: id, session: { $eq: this.#sessionOf(expected) }, ...live }, entry, false)) return true
    // The same session may be stored in another form. No filter on the payload matches all forms, but one on the found document does.
    const document = await connected.collection.findOne({ _id: id }, { readPreference: 'primary' })
    const stored = this.#storedOf(document)
    if (document === null || !isLive(stored, now) || versionOf(stored) !== expected) return false
    return this.#write(connected, { ...this.#records.unchanged(document), ...live }, entry, false)
  }

  /** Stores the entry in the document that the filter matches. Returns whether there was one or, with `upsert`, is one now. */
  #write({ updates, indexes }: Connected, filter: Document, entry: Entry, upsert: boolean): Promise<boolean> {
    const { payload, owner = null } = entry
    checkSize(payload)
    if (owner !== null) void indexes.ensureOwner()
    // The expected session of a swap is about as large as the new one.
    const weight = payload.length * (upsert ? 1 : 2)
    return updates.apply({ filter, change: this.#records.changeTo(this.#sessionOf(payload), entry), upsert, weight })
  }

  #storedOf(document: StoredDocument | null | undefined): Stored | null {
    return document ? this.#records.storedOf(document) : null
  }
}
