// The stores of other makers that people use, in the versions of bench/package-lock.json.
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from '../command.js'

/** Loads a package of bench/. @type {(name: string) => any} */
const peer = createRequire(join(root, 'bench/package.json'))
const session = () => peer('express-session')

/** How often a store deletes expired sessions, in milliseconds: often, so that it does not count them for long. */
const SWEEP = 400
/** The same for a store with a setting in minutes. */
const SWEEP_IN_MINUTES = 0.005
/** The same for a store that counts in whole seconds, and so sees up to a second later that a session has expired. */
const SWEEP_OF_SECONDS = 20

/** @type {readonly import('./stores.js').GradedStore[]} */
export const peers = [
  {
    name: 'express-session MemoryStore',
    packages: ['express-session'],
    async prepare() {
      const { MemoryStore } = session()
      return async () => ({ store: new MemoryStore(), close: async () => {} })
    },
  },
  {
    name: 'memorystore',
    packages: ['memorystore'],
    settings: `\`checkPeriod: ${SWEEP}\``,
    async prepare() {
      const MemoryStore = peer('memorystore')(session())
      return async () => {
        const store = new MemoryStore({ checkPeriod: SWEEP })
        return { store, close: async () => store.stopInterval() }
      }
    },
  },
  {
    name: 'session-file-store',
    packages: ['session-file-store'],
    settings: `\`reapInterval: ${SWEEP / 1000}\`, \`logFn\` silent`,
    async prepare({ folder }) {
      const FileStore = peer('session-file-store')(session())
      return async () => {
        // So deep that ids with `../` still lead to a folder of this check.
        const path = join(folder, randomUUID(), 'a/b/c/d/e/f/g/h/sessions')
        mkdirSync(path, { recursive: true })
        const open = () => new FileStore({ path, reapInterval: SWEEP / 1000, logFn: () => {} })
        const stores = [open()]
        const another = async () => {
          const store = open()
          stores.push(store)
          return store
        }
        const close = async () => {
          for (const store of stores) clearInterval(store.options.reapIntervalObject)
        }
        return { store: stores[0], another, close }
      }
    },
  },
  {
    name: 'connect-redis',
    server: 'redis',
    packages: ['connect-redis', 'redis'],
    async prepare({ url }) {
      const { RedisStore } = peer('connect-redis')
      const { createClient } = peer('redis')
      return async () => {
        const prefix = `${randomUUID()}:`
        return several(async () => {
          const client = await createClient({ url })
            .on('error', () => {})
            .connect()
          return { store: new RedisStore({ client, prefix }), close: () => client.close() }
        })
      }
    },
  },
  {
    name: 'connect-mongo',
    server: 'mongodb',
    packages: ['connect-mongo', 'mongodb'],
    settings: `\`autoRemove: 'interval'\`, \`autoRemoveInterval: ${SWEEP_IN_MINUTES}\``,
    note: 'Calls of connect-mongo overtake each other on its connection pool. The checks of concurrent calls and of the redirect do not fail in every run: 71 to 74 checks passed in four runs.',
    async prepare({ url }) {
      const { MongoStore } = peer('connect-mongo')
      return async () => {
        const collectionName = randomUUID()
        const options = {
          mongoUrl: url,
          dbName: 'grades',
          collectionName,
          autoRemove: 'interval',
          autoRemoveInterval: SWEEP_IN_MINUTES,
        }
        return several(async () => {
          const store = MongoStore.create(options)
          return { store, close: () => store.close() }
        })
      }
    },
  },
  {
    name: 'connect-session-knex on SQLite',
    packages: ['connect-session-knex', 'knex', 'better-sqlite3'],
    settings: `\`cleanupInterval: ${SWEEP_OF_SECONDS}\``,
    async prepare({ folder }) {
      const { ConnectSessionKnexStore } = peer('connect-session-knex')
      const knex = peer('knex')
      peer('better-sqlite3')
      return async () => {
        const filename = join(folder, `${randomUUID()}.sqlite`)
        return several(async () => {
          const database = knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true })
          const store = new ConnectSessionKnexStore({ knex: database, cleanupInterval: SWEEP_OF_SECONDS })
          await store.ready
          const close = async () => {
            clearTimeout(store.nextDbCleanup)
            store.options.cleanupInterval = 0 // a running sweep schedules no other
            await database.destroy()
          }
          return { store, close }
        })
      }
    },
  },
  {
    name: 'databank-redis through connect-databank 1.x',
    server: 'redis',
    packages: ['connect-databank-1', 'databank-redis', 'databank'],
    settings: `\`cleanup\` of ${SWEEP} ms`,
    async prepare({ url }) {
      const { Databank } = peer('databank')
      const DatabankStore = peer('connect-databank-1')(session())
      const { createClient } = peer('redis')
      const { hostname: host, port } = new URL(url)
      const administrator = await createClient({ url }).connect()
      administrator.unref()
      return async () => {
        await administrator.flushAll() // its keys are `session:<sid>`, always
        return several(async () => {
          const bank = Databank.get('redis', { host, port: Number(port), schema: DatabankStore.schema })
          await /** @type {Promise<void>} */ (
            new Promise((resolve, reject) => {
              bank.connect({}, (/** @type {unknown} */ error) => (error ? reject(error) : resolve()))
            })
          )
          const store = new DatabankStore(bank, null, SWEEP)
          const close = async () => {
            store.close()
            await new Promise((resolve) => bank.disconnect(resolve))
          }
          return { store, close }
        })
      }
    },
  },
]

/**
 * One store on a location, and others on demand.
 * @param {() => Promise<{ store: any, close: () => Promise<unknown> }>} open
 * @returns {Promise<import('./stores.js').OpenedStore>}
 */
async function several(open) {
  const all = [await open()]
  return {
    store: all[0]?.store,
    async another() {
      const one = await open()
      all.push(one)
      return one.store
    },
    async close() {
      for (const { close } of all) await close()
    },
  }
}
