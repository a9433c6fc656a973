// Our stores, with their own defaults. Each check gets a part of the place for itself.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'

/** @typedef {import('./stores.js').OpenedStore} OpenedStore */

/**
 * Opens the same again for `another`, and closes all of it.
 * @template {{ close(): Promise<void> }} Store
 * @param {() => Store} make
 * @param {boolean} isShared whether two processes can share the place
 * @returns {OpenedStore}
 */
function opened(make, isShared) {
  /** @type {Store[]} */
  const stores = []
  const another = async () => {
    const store = make()
    stores.push(store)
    return /** @type {any} */ (store)
  }
  const store = /** @type {any} */ (make())
  stores.push(store)
  const close = async () => void (await Promise.all(stores.map((each) => each.close())))
  return { store, close, ...(isShared && { another }) }
}

/** @type {readonly import('./stores.js').GradedStore[]} */
export const ours = [
  {
    name: '@connect-databank/memory',
    ours: true,
    packages: ['@connect-databank/memory'],
    async prepare() {
      const { MemoryStore } = await import('@connect-databank/memory')
      return async () => opened(() => new MemoryStore(), false)
    },
  },
  {
    name: '@connect-databank/disk',
    ours: true,
    packages: ['@connect-databank/disk'],
    async prepare({ folder }) {
      const { DiskStore } = await import('@connect-databank/disk')
      return async () => {
        const path = join(folder, randomUUID())
        return opened(() => new DiskStore({ path }), true)
      }
    },
  },
  {
    name: '@connect-databank/redis',
    ours: true,
    server: 'redis',
    packages: ['@connect-databank/redis', 'redis'],
    async prepare({ url }) {
      const { RedisStore } = await import('@connect-databank/redis')
      return async () => {
        const prefix = `${randomUUID()}:`
        return opened(() => new RedisStore({ url, prefix }), true)
      }
    },
  },
  {
    name: '@connect-databank/mongodb',
    ours: true,
    server: 'mongodb',
    packages: ['@connect-databank/mongodb', 'mongodb'],
    async prepare({ url }) {
      const { MongoStore } = await import('@connect-databank/mongodb')
      return async () => {
        const collectionName = randomUUID()
        return opened(() => new MongoStore({ url, collectionName }), true)
      }
    },
  },
  {
    name: '@connect-databank/couchbase',
    ours: true,
    server: 'couchbase',
    packages: ['@connect-databank/couchbase', 'couchbase'],
    note: '`all`, `length` and `clear` of @connect-databank/couchbase are asked on a cluster in `COUCHBASE_URL` only: CouchbaseMock can list nothing.',
    async prepare({ url }) {
      const { openBank } = await import('@connect-databank/couchbase')
      const { DatabankStore } = await import('connect-databank')
      const canList = url === process.env['COUCHBASE_URL']
      return async () => {
        const prefix = `${randomUUID()}:`
        const make = () => {
          const store = new DatabankStore({ bank: openBank(url, { prefix }) })
          return canList ? store : Object.assign(store, { all: undefined, length: undefined, clear: undefined })
        }
        return opened(make, true)
      }
    },
  },
]
