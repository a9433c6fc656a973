import { createRequire } from 'node:module'

// Not called `require`: these have no types.
const load = createRequire(import.meta.url)

export const title = 'Couchbase'
export const server = 'couchbase'
export const sessions = 1_000

/** @type {import('../candidates.js').Candidate[]} */
export const candidates = [
  {
    name: '@connect-databank/couchbase',
    ours: true,
    open: async ({ url, namespace }) => {
      const { CouchbaseStore } = await import('@connect-databank/couchbase')
      const store = new CouchbaseStore(
        /** @type {any} */ ({ url, username: 'bench', password: 'bench', prefix: `${namespace}:` }),
      )
      await store.open()
      return { store, close: () => store.close() }
    },
  },
  {
    name: 'couchbase 4, bare',
    limit: true,
    open: async ({ url, namespace }) => {
      const { connect } = load('couchbase')
      const cluster = await connect(url, { username: 'bench', password: 'bench' })
      const collection = cluster.bucket('default').defaultCollection()
      return {
        client: {
          get: (sid) => collection.get(`${namespace}:${sid}`),
          set: (sid, text, expires) => collection.upsert(`${namespace}:${sid}`, text, { expiry: new Date(expires) }),
          touch: (sid, expires) => collection.touch(`${namespace}:${sid}`, new Date(expires)),
        },
        close: () => cluster.close(),
      }
    },
  },
]
