import { createRequire } from 'node:module'
import { baselineStore } from './client-baseline.js'

// Not called `require`: these have no types.
const load = createRequire(import.meta.url)

export const server = 'couchbase'
export const sessions = 1_000

/** As our store has the SDK. By default it measures each operation, which costs as much as the operation, and logs the slow ones. */
const quiet = { tracingConfig: { enableTracing: false }, metricsConfig: { enableMetrics: false } }

/** @typedef {{ set(key: string, text: string, expires: number): Promise<unknown>, touch(key: string, expires: number): Promise<unknown> }} Writes */

/**
 * The SDK's own operations. What they give is neither parsed nor made a session.
 * @param {string} name
 * @param {object} settings
 * @param {(collection: any, sdk: any) => Writes} writes
 * @returns {import('./index.js').MeasuredStore}
 */
function bare(name, settings, writes) {
  return {
    name: `couchbase 4, ${name}`,
    limit: true,
    open: async ({ url, namespace }) => {
      const sdk = load('couchbase')
      const cluster = await sdk.connect(url, { username: 'bench', password: 'bench', ...settings })
      const collection = cluster.bucket('default').defaultCollection()
      const { set, touch } = writes(collection, sdk)
      return {
        client: {
          get: async (sid) => (await collection.get(`${namespace}:${sid}`)).content,
          set: (sid, text, expires) => set(`${namespace}:${sid}`, text, expires),
          touch: (sid, expires) => touch(`${namespace}:${sid}`, expires),
        },
        close: () => cluster.close(),
      }
    },
  }
}

/** Text that expires to the second. @type {(collection: any) => Writes} */
const text = (collection) => ({
  set: (key, value, expires) => collection.upsert(key, value, { expiry: new Date(expires) }),
  touch: (key, expires) => collection.touch(key, new Date(expires)),
})

/** A document with its expiry to the millisecond, which a touch changes as well. @type {(collection: any, sdk: any) => Writes} */
const document = (collection, { MutateInSpec }) => ({
  set: (key, payload, expires) => collection.upsert(key, { expires, payload }, { expiry: new Date(expires) }),
  touch: (key, expires) => collection.mutateIn(key, [MutateInSpec.replace('expires', expires)], { expiry: new Date(expires) }),
})

const fastest = bare('bare, quiet', quiet, text)

/** @type {import('./index.js').MeasuredStore[]} */
export const stores = [
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
  fastest,
  baselineStore(fastest),
  { ...bare('bare, quiet, exact touch', quiet, document), operations: ['mix', 'touch'], fullOnly: true },
]
