import { type BankContext, compareClocks, invalidOption, Lifecycle, setBackgroundTimeout } from 'connect-databank/backend'
import type { Collection, MongoClient, WriteConcernSettings } from 'mongodb'
import { mongoError } from './errors.ts'
import { Indexes } from './indexes.ts'
import { type MongoBankOptions, refuseUnacknowledged } from './options.ts'
import { BSON_OPTIONS, type StoredDocument } from './records.ts'
import { Updates } from './updates.ts'

/** The collection of the sessions, after the server has answered. */
export interface Connected {
  readonly client: MongoClient
  readonly collection: Collection<StoredDocument>
  readonly updates: Updates
  readonly indexes: Indexes
}

/** The driver waits a little less than the store, so that its error, which names the cause, arrives before the store's. */
const DRIVER_SHARE = 0.9
/** How long the first operations wait for the TTL index. The server continues to make it. */
const INDEX_SHARE = 0.5
/**
 * How long closing waits for operations under way, and then for the driver, in milliseconds. The driver sends a
 * last command to the server, and would wait for a connection.
 */
const CLOSE_TIMEOUT = 1_000

/** Connects on first use. The caller's own client stays open. */
export function connectionOf(options: MongoBankOptions, context: BankContext): Lifecycle<Connected> {
  return new Lifecycle({
    name: 'MongoBank',
    open: () => connect(options, context),
    errorOf: mongoError,
    closeTimeout: CLOSE_TIMEOUT,
    ...(options.client === undefined && { close: ({ client }: Connected) => client.close() }),
    maxPending: options.maxPending,
  })
}

async function connect(options: MongoBankOptions, context: BankContext): Promise<Connected> {
  const client = options.client === undefined ? await createClient(options, context) : (options.client as MongoClient)
  try {
    const collection = collectionOf(client, options)
    await client.connect()
    // No session has an empty id: this checks only the right to read sessions.
    await Promise.all([collection.findOne({ _id: '' }), compareClocks(context, 'MongoDB', () => timeOf(client))])
    const indexes = new Indexes(collection, context, options.ttlIndex ?? true)
    const timedOut = new Promise<void>((resolve) => setBackgroundTimeout(resolve, context.timeout * INDEX_SHARE))
    await Promise.race([indexes.ensureTtl(), timedOut])
    return { client, collection, updates: new Updates(client, collection), indexes }
  } catch (error) {
    if (options.client === undefined) client.close().catch(() => undefined)
    throw error
  }
}

/** The URL and `mongoOptions` override our settings. */
async function createClient(options: MongoBankOptions, context: BankContext): Promise<MongoClient> {
  const { url = 'mongodb://127.0.0.1:27017', mongoOptions } = options
  const { MongoClient } = await import('mongodb')
  const wait = Math.max(1, Math.floor(context.timeout * DRIVER_SHARE))
  const waits = { serverSelectionTimeoutMS: wait, connectTimeoutMS: wait, socketTimeoutMS: wait, waitQueueTimeoutMS: wait }
  // The driver accepts names of parameters in upper and lower case.
  const unnamed = Object.entries(waits).filter(([name]) => !new RegExp(`[?&]${name}=`, 'i').test(url))
  try {
    return new MongoClient(url, { ...Object.fromEntries(unnamed), ...mongoOptions })
  } catch (error) {
    throw Object.assign(invalidOption(`MongoBank: ${(error as Error).message}`), { cause: error })
  }
}

function collectionOf(client: MongoClient, options: MongoBankOptions): Collection<StoredDocument> {
  const { dbName, collectionName = 'sessions', writeConcern } = options
  // Our own client uses the read preference of the URL or `mongoOptions`.
  const readPreference = options.readPreference ?? (options.client === undefined ? undefined : 'primary')
  const collection = client.db(dbName).collection<StoredDocument>(collectionName, {
    ...BSON_OPTIONS,
    ...(readPreference !== undefined && { readPreference }),
    ...(writeConcern !== undefined && { writeConcern: writeConcern as WriteConcernSettings }),
  })
  refuseUnacknowledged(collection.writeConcern)
  return collection
}

/** The server's time, by which it deletes expired sessions; NaN if it does not tell: a server like MongoDB may not have the command. */
async function timeOf(client: MongoClient): Promise<number> {
  const answer = await client
    .db('admin')
    .command({ hello: 1 }, BSON_OPTIONS)
    .catch(() => undefined)
  const localTime: unknown = answer?.['localTime']
  return localTime instanceof Date ? localTime.getTime() : Number.NaN
}
