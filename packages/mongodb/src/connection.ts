import { invalidOption } from 'connect-databank'
import type { Collection, MongoClientLike } from './driver.ts'
import { closed, failure } from './failures.ts'
import { LentSession } from './lent-session.ts'
import type { MongoBankOptions } from './options.ts'
import { makeTtlIndex } from './ttl-index.ts'

/** What the driver is asked to make of BSON, whatever the caller's client is set to. */
const BSON_OPTIONS = {
  ...{ promoteValues: true, promoteLongs: true, promoteBuffers: true, useBigInt64: false, bsonRegExp: false },
  ...{ raw: false, ignoreUndefined: false, serializeFunctions: false, fieldsAsRaw: {} },
}

/** How long the first operations wait for the index, as a part of the time-out. The server goes on making it. */
const patience = 0.5

/** How long (ms) closing waits for what is under way, and for the driver. */
const grace = 1_000

/** The collection of the sessions: connects on first use, and sees to it that there is a TTL index. */
export class Connection {
  readonly #options: MongoBankOptions
  readonly #timeout: number
  #client: Promise<MongoClientLike> | undefined
  #ready: Promise<Collection> | undefined
  #index: Promise<void> | undefined
  #session: LentSession | undefined
  #closing: Promise<void> | undefined

  constructor(options: MongoBankOptions) {
    this.#options = options
    this.#timeout = options.timeout ?? 5_000
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  /** How long (ms) work on all sessions may take. */
  get longTimeout(): number {
    return this.#timeout * 12
  }

  /** The collection. The first call connects; it rejects if the server cannot be reached or refuses us, and the next one tries again. */
  async collection(): Promise<Collection> {
    if (this.isClosed) throw closed()
    this.#ready ??= this.#connect().catch((error) => {
      this.#ready = undefined
      throw error
    })
    const collection = await this.#ready
    if (this.#index === undefined) this.#startIndex(collection).catch(() => undefined)
    return collection
  }

  /** @param idle ends when what is under way has */
  close(idle: () => Promise<void>): Promise<void> {
    this.#closing ??= this.#close(idle)
    return this.#closing
  }

  async #close(idle: () => Promise<void>): Promise<void> {
    if (this.#options.client !== undefined) return this.#session?.end()
    const client = await this.#client?.catch(() => undefined)
    if (client === undefined) return
    await Promise.race([idle(), after(grace)])
    // The driver says good-bye to the server, and waits for a connection to do so, though it should not matter to us.
    const closing = client.close()
    closing.catch(() => undefined)
    await Promise.race([closing, after(grace)])
  }

  async #connect(): Promise<Collection> {
    const { client, dbName, collectionName = 'sessions', writeConcern } = this.#options
    this.#client ??= client === undefined ? this.#openClient() : Promise.resolve(client)
    const readPreference = this.#readPreference()
    const mongo = await this.#client
    const collection = mongo.db(dbName).collection(collectionName, {
      ...BSON_OPTIONS,
      ...(readPreference !== undefined && { readPreference }),
      ...(writeConcern !== undefined && { writeConcern }),
    })
    if (collection.writeConcern?.w === 0) {
      throw invalidOption('MongoBank: a write concern of w: 0 gives no answers, so nobody could tell whether a write took place')
    }
    // Not left to the first operation: a client that once failed to connect would never try again.
    await mongo.connect()
    // An empty id is no session's: this asks only whether we may read.
    await collection.findOne({ _id: '' })
    await Promise.race([this.#startIndex(collection), after(this.#timeout * patience)])
    this.#session ??= new LentSession(mongo)
    return this.#session.lentTo(collection)
  }

  /** What the driver of ours is told; what the URL or `mongoOptions` say of the same wins. */
  async #openClient(): Promise<MongoClientLike> {
    const { url = 'mongodb://127.0.0.1:27017', mongoOptions } = this.#options
    const { MongoClient } = await import('mongodb')
    if (this.isClosed) throw closed()
    // A little less than the store waits, so that the driver's error, which says what is wrong, is there before the store's.
    const wait = Math.max(1, Math.floor(this.#timeout * 0.9))
    const waits = { serverSelectionTimeoutMS: wait, connectTimeoutMS: wait, socketTimeoutMS: wait, waitQueueTimeoutMS: wait }
    try {
      return new MongoClient(url, { ...without(waits, url), ...mongoOptions }) as MongoClientLike
    } catch (error) {
      throw Object.assign(invalidOption(`MongoBank: ${(error as Error).message}`), { cause: error })
    }
  }

  #readPreference(): string | undefined {
    const { client, readPreference, url = '', mongoOptions } = this.#options
    if (readPreference !== undefined) return readPreference
    const isAsked = client === undefined && (asks(url, 'readPreference') || mongoOptions?.readPreference !== undefined)
    return isAsked ? undefined : 'primary'
  }

  #startIndex(collection: Collection): Promise<void> {
    if (this.#options.ttlIndex === false) this.#index = Promise.resolve()
    this.#index ??= makeTtlIndex(collection, this.#options.collectionName ?? 'sessions', this.#warn).catch((error) => {
      // The next use tries again.
      this.#index = undefined
      throw failure(error)
    })
    return this.#index
  }

  readonly #warn = (message: string): void => {
    const { onWarning = (text: string) => process.emitWarning(text, 'DatabankWarning') } = this.#options
    try {
      onWarning(message)
    } catch {
      // A logger that throws must not fail the work.
    }
  }
}

/** Whether the URL has this parameter. The driver takes its names in any case. */
function asks(url: string, name: string): boolean {
  return new RegExp(`[?&]${name}=`, 'i').test(url)
}

function without(waits: Readonly<Record<string, number>>, url: string): Record<string, number> {
  return Object.fromEntries(Object.entries(waits).filter(([name]) => !asks(url, name)))
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref()
  })
}
