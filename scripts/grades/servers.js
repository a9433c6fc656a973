// The servers of the graded stores: each started when the first store wants it, and named as it names itself.
import { MongoClient } from 'mongodb'
import { createClient } from 'redis'
import { server } from '../../testing/servers/index.js'

/** @typedef {{ url: string, version: string, stop: () => Promise<void> }} Running */

/** @type {Record<string, () => Promise<Running>>} */
const starts = { redis, mongodb, couchbase }

/** Starts each server once; says why one is missing. */
export class Servers {
  /** @type {Map<string, Promise<Running>>} */
  #running = new Map()

  /**
   * Rejects with the reason if it can't be had.
   * @param {string} name
   * @returns {Promise<Running>}
   */
  get(name) {
    const known = this.#running.get(name)
    if (known !== undefined) return known
    const { missing } = server(name)
    const start = starts[name]
    if (missing !== undefined || start === undefined) return Promise.reject(new Error(missing ?? 'nothing here starts it'))
    const running = start()
    this.#running.set(name, running)
    return running
  }

  async stop() {
    for (const running of await Promise.allSettled(this.#running.values())) {
      if (running.status === 'fulfilled') await running.value.stop()
    }
  }
}

/** @returns {Promise<Running>} */
async function redis() {
  const { startRedis } = await import('../../testing/servers/redis.js')
  const running = await startRedis()
  const client = await createClient({ url: running.url }).connect()
  const [, version] = /redis_version:(\S+)/.exec(await client.info('server')) ?? []
  client.destroy()
  return { url: running.url, version: `Redis ${version}`, stop: () => running.stop() }
}

/** @returns {Promise<Running>} */
async function mongodb() {
  const { startMongodb } = await import('../../testing/servers/mongodb.js')
  const running = await startMongodb()
  const client = await new MongoClient(running.url).connect()
  const { version } = await client.db('admin').admin().serverInfo()
  await client.close()
  const isReal = server('mongodb')['kind'] === 'mongod'
  const named = isReal ? `MongoDB ${version}` : `SecantusDB, a stand-in that answers as MongoDB ${version}`
  return { url: running.url, version: named, stop: () => running.stop() }
}

/** @returns {Promise<Running>} */
async function couchbase() {
  const given = process.env['COUCHBASE_URL']
  if (given) return { url: given, version: 'Couchbase', stop: async () => {} }
  const { startCouchbase } = await import('../../testing/servers/couchbase.js')
  const running = await startCouchbase()
  return { url: running.url, version: 'CouchbaseMock, a stand-in', stop: () => running.stop() }
}
