import { type Bank, DatabankError, type Entry } from 'connect-databank'
import { Connection } from './connection.ts'
import { databankLayout } from './databank-layout.ts'
import type { Collection, StoredDocument } from './driver.ts'
import { closed, failure } from './failures.ts'
import { documentIdOf, idOf } from './ids.ts'
import { type Layout, sessionLayout } from './layout.ts'
import { checkMongoOptions, type MongoBankOptions } from './options.ts'
import { subDocumentOf, textOf } from './payload.ts'
import { Writer } from './writer.ts'

/** Documents that come in one answer while all are listed. */
const batchSize = 200

/**
 * Sessions in a MongoDB collection, laid out as connect-mongo lays them out.
 *
 * @example
 * const bank = new MongoBank({ url: 'mongodb://127.0.0.1/app', collectionName: 'sessions' })
 */
export class MongoBank implements Bank {
  readonly #connection: Connection
  readonly #layout: Layout
  readonly #writer: Writer
  readonly #maxPending: number
  #waiting = 0
  #onIdle: (() => void) | undefined

  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: MongoBankOptions = {}) {
    checkMongoOptions(options)
    this.#connection = new Connection(options)
    this.#layout = options.readDatabank === true ? databankLayout : sessionLayout
    this.#writer = new Writer(this.#layout, options.native === true ? subDocumentOf : textOf)
    this.#maxPending = options.maxPending ?? 10_000
  }

  read(id: string): Promise<Entry | null> {
    return this.#run(1, async (collection) => {
      const document = await collection.findOne({ _id: documentIdOf(id) })
      return document === null ? null : this.#layout.entryOf(document as StoredDocument)
    })
  }

  save(id: string, entry: Entry): Promise<void> {
    return this.#run(1, (collection) => this.#writer.save(collection, documentIdOf(id), entry))
  }

  delete(id: string): Promise<boolean> {
    return this.#run(1, async (collection) => (await collection.deleteOne({ _id: documentIdOf(id) })).deletedCount === 1)
  }

  touch(id: string, expires: number | null): Promise<void> {
    return this.touchMany([[id, expires]])
  }

  swap(id: string, expected: string | null, entry: Entry): Promise<boolean> {
    return this.#run(1, (collection) => {
      if (expected === null) return this.#writer.insert(collection, documentIdOf(id), entry)
      return this.#writer.replace(collection, documentIdOf(id), expected, entry)
    })
  }

  readMany(ids: readonly string[]): Promise<(Entry | null)[]> {
    return this.#run(ids.length, async (collection) => {
      const documentIds = ids.map(documentIdOf)
      const found = await collection.find({ _id: { $in: documentIds } }, { batchSize: ids.length + 1 }).toArray()
      const documents = new Map((found as StoredDocument[]).map((document) => [document._id, document]))
      return documentIds.map((documentId) => {
        const document = documents.get(documentId)
        return document === undefined ? null : this.#layout.entryOf(document)
      })
    })
  }

  touchMany(moves: readonly (readonly [id: string, expires: number | null])[]): Promise<void> {
    return this.#run(moves.length, async (collection) => {
      const now = Date.now()
      const updates = moves.flatMap(([id, expires]) => this.#layout.moves(documentIdOf(id), expires, now))
      const [first] = updates
      if (first === undefined) return
      if (updates.length === 1) await collection.updateOne(first.updateOne.filter, first.updateOne.update)
      else await collection.bulkWrite(updates, { ordered: false })
    })
  }

  async *scan(): AsyncGenerator<readonly [id: string, entry: Entry]> {
    try {
      const collection = await this.#connection.collection()
      for await (const document of collection.find({}, { batchSize })) {
        const id = idOf((document as StoredDocument)._id)
        if (id !== undefined) yield [id, this.#layout.entryOf(document as StoredDocument)]
      }
    } catch (error) {
      throw this.#failure(error)
    }
  }

  count(now: number): Promise<number> {
    return this.#run(1, (collection) => collection.countDocuments(this.#layout.alive(now), this.#long()))
  }

  clear(): Promise<void> {
    return this.#run(1, async (collection) => {
      await collection.deleteMany({}, this.#long())
    })
  }

  purge(now: number): Promise<number> {
    return this.#run(1, async (collection) => (await collection.deleteMany(this.#layout.dead(now), this.#long())).deletedCount)
  }

  async open(): Promise<void> {
    await this.#run(0, async () => undefined)
  }

  /** Lets what is under way end, for a second at most. */
  async close(): Promise<void> {
    try {
      await this.#connection.close(() => this.#idle())
    } catch (error) {
      throw failure(error)
    }
  }

  /** @param weight how many operations of the caller's this is */
  async #run<T>(weight: number, work: (collection: Collection) => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#maxPending) {
      throw new DatabankError('DATABANK_UNAVAILABLE', `${this.#waiting} operations wait for MongoDB already`)
    }
    this.#waiting += weight
    try {
      return await work(await this.#connection.collection())
    } catch (error) {
      throw this.#failure(error)
    } finally {
      this.#waiting -= weight
      if (this.#waiting === 0) this.#onIdle?.()
    }
  }

  #idle(): Promise<void> {
    if (this.#waiting === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onIdle = resolve
    })
  }

  /** What fails while the connection is being closed fails for that reason, whatever the driver calls it. */
  #failure(error: unknown): Error {
    const known = failure(error)
    const mayBeOfClosing = ['DATABANK_UNAVAILABLE', 'DATABANK_BACKEND_FAILED'].includes(known.code)
    return this.#connection.isClosed && mayBeOfClosing ? Object.assign(closed(), { cause: error }) : known
  }

  /** For commands on all documents: more time than a command on one. */
  #long(): object {
    return { socketTimeoutMS: this.#connection.longTimeout }
  }
}
