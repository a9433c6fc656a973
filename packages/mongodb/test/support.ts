import type { BankContext } from 'connect-databank/backend'
import type { SessionData } from 'express-session'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startMongodb } from '../../../testing/servers/mongodb.js'
import { MongoBank, type MongoBankOptions, type MongoClientLike, MongoStore, type MongoStoreOptions } from '../src/index.ts'
import { freshName, within } from './address.ts'

export type Mongodb = Awaited<ReturnType<typeof startMongodb>>

export const HOUR = 3_600_000

/** A store of any package. */
// biome-ignore lint/suspicious/noExplicitAny: connect-mongo and ours name their types differently
type AnyStore = any

/** Calls a method of a store, and returns its result as a promise. */
// biome-ignore lint/suspicious/noExplicitAny: as the store
export function ask(store: AnyStore, method: string, ...args: unknown[]): Promise<any> {
  return new Promise((resolve, reject) => {
    store[method](...args, (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)))
  })
}

/** A session as a request has it after `get`: it can be changed and saved. */
// biome-ignore lint/suspicious/noExplicitAny: a session of any shape
export async function load(store: AnyStore, sid: string): Promise<any> {
  const data = await ask(store, 'get', sid)
  return data === null ? null : store.createSession({ sessionID: sid }, data)
}

/** Plain data of a session that expires in an hour. */
export function sessionData(data: object = {}, milliseconds = HOUR): SessionData {
  const expires = new Date(Date.now() + milliseconds)
  return { cookie: { originalMaxAge: milliseconds, expires, httpOnly: true, path: '/' }, ...data } as SessionData
}

/** A context that writes warnings down. */
export function contextWith({ timeout = 5_000 } = {}): BankContext & { readonly warnings: string[] } {
  const warnings: string[] = []
  return { timeout, warnings, warn: (message) => void warnings.push(message) }
}

/**
 * A client for tests that lose answers or kill the server. SecantusDB's `bulkWrite` neither recognizes a write that the driver sends
 * again, nor waits for the journal. Its `update` does both, so the client of a SecantusDB has no `bulkWrite`.
 *
 * @param timeout how long each of the driver's waits may take, in milliseconds
 */
export function strictClient(url: string, timeout = 4_500): MongoClientLike & { close(): Promise<void> } {
  const waits = {
    serverSelectionTimeoutMS: timeout,
    connectTimeoutMS: timeout,
    socketTimeoutMS: timeout,
    waitQueueTimeoutMS: timeout,
  }
  const client = new MongoClient(url, waits)
  if (server('mongodb')['kind'] === 'mongod') return client
  return { db: (name) => client.db(name), connect: () => client.connect(), close: () => client.close() }
}

/** A server for the tests of one file. The banks and stores on it are closed after them. */
export function onMongodb(wishes: Parameters<typeof startMongodb>[0] = {}) {
  let running: Mongodb | undefined
  let client: MongoClient | undefined
  const toClose: { close(): Promise<void> }[] = []
  const keep = <T extends { close(): Promise<void> }>(closable: T): T => {
    toClose.push(closable)
    return closable
  }
  beforeAll(async () => {
    running = await startMongodb(wishes)
  })
  afterAll(async () => {
    await Promise.allSettled(toClose.map((each) => each.close()))
    await client?.close()
    await running?.stop()
  })
  return {
    keep,
    get server(): Mongodb {
      if (running === undefined) throw new Error('the server was not started')
      return running
    },
    get url(): string {
      return within(this.server.url, 'tests')
    },
    /** A client of the test's own: it reads what is stored, and does what other programs would. */
    get client(): MongoClient {
      client ??= new MongoClient(this.url)
      return client
    },
    /** The collection, on that client. */
    collection(name: string) {
      // biome-ignore lint/suspicious/noExplicitAny: documents of any shape, with text as `_id`
      return this.client.db('tests').collection<any>(name)
    },
    bank(options: MongoBankOptions = {}, context?: BankContext) {
      const place = options.client === undefined ? { url: this.url } : { dbName: 'tests' }
      return keep(new MongoBank({ ...place, ...options }, context))
    },
    store(options: MongoStoreOptions = {}) {
      const place = options.client === undefined ? { url: this.url } : { dbName: 'tests' }
      return keep(new MongoStore({ ...place, ...options }))
    },
    /**
     * The name of a new collection that exists: SecantusDB blocks itself when one client makes an index on a collection that
     * another's first insert creates at that moment.
     */
    async freshCollection(): Promise<string> {
      const name = freshName()
      await this.client.db('tests').createCollection(name)
      return name
    },
  }
}
