import type { SessionData } from 'express-session'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll } from 'vitest'
import { startMongodb } from '../../../testing/servers/mongodb.js'
import { MongoBank, type MongoBankOptions, MongoStore, type MongoStoreOptions } from '../src/index.ts'
import { freshName, within } from './address.ts'

export type Mongodb = Awaited<ReturnType<typeof startMongodb>>

export const HOUR = 3_600_000

/** What a store's callbacks look like, whoever made it. */
// biome-ignore lint/suspicious/noExplicitAny: connect-mongo and ours name their types differently
type AnyStore = any

/** The answer of a store's method as a promise. */
// biome-ignore lint/suspicious/noExplicitAny: as the store
export function ask(store: AnyStore, method: string, ...args: unknown[]): Promise<any> {
  return new Promise((resolve, reject) => {
    store[method](...args, (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)))
  })
}

/** A session as a request has it after `get`: changed, it can be saved. */
// biome-ignore lint/suspicious/noExplicitAny: a session of any shape
export async function load(store: AnyStore, sid: string): Promise<any> {
  const data = await ask(store, 'get', sid)
  return data === null ? null : store.createSession({ sessionID: sid }, data)
}

/** Plain data of a session that lives for an hour. */
export function sessionData(data: object = {}, milliseconds = HOUR): SessionData {
  const expires = new Date(Date.now() + milliseconds)
  return { cookie: { originalMaxAge: milliseconds, expires, httpOnly: true, path: '/' }, ...data } as SessionData
}

/** A server for the tests of one file, and things on collections of it that are closed after them. */
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
    /** A client of the test's own, to look at what is stored and to do what others would. */
    get client(): MongoClient {
      client ??= new MongoClient(this.url)
      return client
    },
    /** The collection, seen by that client. */
    collection(name: string) {
      // biome-ignore lint/suspicious/noExplicitAny: documents of any shape, with text as `_id`
      return this.client.db('tests').collection<any>(name)
    },
    bank(options: MongoBankOptions = {}) {
      return keep(new MongoBank(options.client === undefined ? { url: this.url, ...options } : { dbName: 'tests', ...options }))
    },
    store(options: MongoStoreOptions = {}) {
      return keep(new MongoStore(options.client === undefined ? { url: this.url, ...options } : { dbName: 'tests', ...options }))
    },
    /**
     * The name of a new collection, which is there already: SecantusDB locks itself up when one client makes an index on a
     * collection that another's first insert is just making.
     */
    async freshCollection(): Promise<string> {
      const name = freshName()
      await this.client.db('tests').createCollection(name)
      return name
    },
  }
}
