import { createRequire } from 'node:module'
import { MongoClient } from 'mongodb'

// Not called `require`: these have no types.
const load = createRequire(import.meta.url)

export const title = 'MongoDB'
export const server = 'mongodb-load'
/** The stand-in server is slow to fill. */
export const sessions = 1_000

/** @type {import('../candidates.js').Candidate[]} */
export const candidates = [
  {
    name: '@connect-databank/mongodb',
    ours: true,
    open: async ({ url, namespace }) => {
      const { MongoStore } = await import('@connect-databank/mongodb')
      const store = new MongoStore({ url, dbName: 'bench', collectionName: namespace })
      await store.open()
      return { store, close: () => store.close() }
    },
  },
  {
    name: 'connect-mongo 6',
    open: async ({ url, namespace }) => {
      const { MongoStore } = load('connect-mongo')
      const store = MongoStore.create({ mongoUrl: url, dbName: 'bench', collectionName: namespace, autoRemove: 'disabled' })
      return { store, close: () => store.close() }
    },
  },
  {
    name: 'mongodb 7, bare',
    limit: true,
    open: async ({ url, namespace }) => {
      const client = new MongoClient(url)
      const collection = client.db('bench').collection(namespace)
      const by = (/** @type {string} */ sid) => /** @type {any} */ ({ _id: sid })
      return {
        client: {
          get: (sid) => collection.findOne(by(sid)),
          set: (sid, text, expires) =>
            collection.updateOne(by(sid), { $set: { session: text, expires: new Date(expires) } }, { upsert: true }),
          touch: (sid, expires) => collection.updateOne(by(sid), { $set: { expires: new Date(expires) } }),
        },
        close: () => client.close(),
      }
    },
  },
]
