import { createRequire } from 'node:module'
import { MongoClient } from 'mongodb'
import { batched } from '../measuring/batched-clients.js'
import { baselineStore } from './client-baseline.js'
import { MIX_ONLY, TOUCH_AFTER } from './index.js'

// Not called `require`: these have no types.
const load = createRequire(import.meta.url)

export const server = 'mongodb'
/** The stand-in server is slow to fill. */
export const sessions = 1_000

/**
 * The driver's own operations. What they give is neither parsed nor made a session.
 * @param {string} name
 * @param {(collection: any) => import('../measuring/workload.js').Client | Promise<import('../measuring/workload.js').Client>} operations
 * @returns {import('./index.js').MeasuredStore}
 */
function bare(name, operations) {
  return {
    name: `mongodb 7, ${name}`,
    limit: true,
    open: async ({ url, namespace }) => {
      const client = new MongoClient(url)
      return { client: await operations(client.db('bench').collection(namespace)), close: () => client.close() }
    },
  }
}

/** @param {string} text @param {number} expires */
const changeTo = (text, expires) => ({ $set: { session: text, expires: new Date(expires) } })

/** @param {number} expires */
const moveTo = (expires) => ({ $set: { expires: new Date(expires) } })

const alone = bare('bare', (collection) => ({
  get: async (sid) => (await collection.findOne({ _id: sid })).session,
  set: (sid, text, expires) => collection.updateOne({ _id: sid }, changeTo(text, expires), { upsert: true }),
  touch: (sid, expires) => collection.updateOne({ _id: sid }, moveTo(expires)),
}))

const batchedClient = bare('bare, batched', async (collection) => {
  const get = await batched(async (/** @type {readonly string[]} */ sids) => {
    const documents = await collection.find({ _id: { $in: sids } }).toArray()
    const texts = new Map(documents.map((/** @type {any} */ { _id, session }) => [_id, session]))
    return sids.map((sid) => texts.get(sid))
  })
  const update = await batched(async (/** @type {readonly object[]} */ updates) => {
    await collection.bulkWrite(
      updates.map((updateOne) => ({ updateOne })),
      { ordered: false },
    )
    return updates
  })
  return {
    get,
    set: (sid, text, expires) => update({ filter: { _id: sid }, update: changeTo(text, expires), upsert: true }),
    touch: (sid, expires) => update({ filter: { _id: sid }, update: moveTo(expires) }),
  }
})

/** @param {import('@connect-databank/mongodb').MongoStoreOptions} [options] */
function ours(options) {
  return async (/** @type {import('./index.js').Target} */ { url, namespace }) => {
    const { MongoStore } = await import('@connect-databank/mongodb')
    const store = new MongoStore({ url, dbName: 'bench', collectionName: namespace, ...options })
    await store.open()
    return { store, close: () => store.close() }
  }
}

/** @param {{ touchAfter?: number }} [options] */
function connectMongo(options) {
  return async (/** @type {import('./index.js').Target} */ { url, namespace }) => {
    const { MongoStore } = load('connect-mongo')
    const own = { mongoUrl: url, dbName: 'bench', collectionName: namespace, autoRemove: 'disabled' }
    const store = MongoStore.create({ ...own, ...options })
    return { store, close: () => store.close() }
  }
}

/** @type {import('./index.js').MeasuredStore[]} */
export const stores = [
  { name: '@connect-databank/mongodb', ours: true, open: ours() },
  {
    name: '@connect-databank/mongodb, touchAfter a minute',
    ours: true,
    touchesLess: true,
    operations: MIX_ONLY,
    questions: ['operations', 'distance'],
    fullOnly: true,
    open: ours({ touchAfter: TOUCH_AFTER }),
  },
  { name: 'connect-mongo 6', open: connectMongo() },
  {
    name: 'connect-mongo 6, touchAfter a minute',
    tuned: true,
    touchesLess: true,
    operations: MIX_ONLY,
    questions: ['operations', 'distance'],
    fullOnly: true,
    open: connectMongo({ touchAfter: TOUCH_AFTER / 1000 }),
  },
  { ...alone, operations: MIX_ONLY, fullOnly: true },
  batchedClient,
  baselineStore(batchedClient),
]
