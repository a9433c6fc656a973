// The stores of other makers that people use, in the versions of bench/package-lock.json.
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { NOTE_ON_ORDER, peer, SWEEP, SWEEP_IN_MINUTES, session, several } from './peer.js'
import { sqlPeers } from './sql-peers.js'

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
    note: NOTE_ON_ORDER,
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
  ...sqlPeers,
]
