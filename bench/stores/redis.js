import { createRequire } from 'node:module'
import { RedisStore as ConnectRedis } from 'connect-redis'
import session from 'express-session'
import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis-5'
import { baselineStore } from './client-baseline.js'
import { MIX_ONLY, TOUCH_AFTER } from './index.js'
import { redisBaseline } from './redis-baseline.js'

// Not called `require`: these have no types.
const load = createRequire(import.meta.url)

export const server = 'redis'

/** @param {() => Promise<{ RedisStore: new (options: any) => any }>} load @param {Record<string, unknown>} [options] */
const ours =
  (load, options) =>
  async (/** @type {import('./index.js').Target} */ { url, namespace }) => {
    const { RedisStore } = await load()
    const store = new RedisStore({ url, prefix: `${namespace}:`, ...options })
    await store.open()
    return { store, close: () => store.close() }
  }

const plain = () => import('@connect-databank/redis')
const nearCache = () => import('@connect-databank/redis/near-cache')

/** @param {(options: any) => any} create @param {Record<string, unknown>} options */
const connectRedis =
  (create, options) =>
  async (/** @type {import('./index.js').Target} */ { url, namespace }) => {
    const client = create({ url, ...options })
    await client.connect()
    return { store: new ConnectRedis({ client, prefix: `${namespace}:` }), close: () => client.close() }
  }

/** @param {(options: any) => any} create @param {Record<string, unknown>} options */
const bare =
  (create, options) =>
  async (/** @type {import('./index.js').Target} */ { url, namespace }) => {
    const client = create({ url, ...options })
    await client.connect()
    return {
      client: {
        get: (/** @type {string} */ sid) => client.get(`${namespace}:${sid}`),
        set: (/** @type {string} */ sid, /** @type {string} */ text, /** @type {number} */ expires) =>
          client.set(`${namespace}:${sid}`, text, { expiration: { type: 'PXAT', value: expires } }),
        touch: (/** @type {string} */ sid, /** @type {number} */ expires) => client.pExpireAt(`${namespace}:${sid}`, expires),
      },
      close: () => client.close(),
    }
  }

const TIMEOUT_OFF = { commandOptions: { timeout: undefined } }

/** @type {import('./index.js').MeasuredStore} */
const redis5 = { name: 'redis 5, bare', limit: true, open: bare(createClient5, {}) }

/** @type {import('./index.js').MeasuredStore[]} */
export const stores = [
  { name: '@connect-databank/redis', ours: true, open: ours(plain) },
  {
    name: '@connect-databank/redis, touchAfter a minute',
    ours: true,
    touchesLess: true,
    operations: MIX_ONLY,
    questions: ['operations', 'distance'],
    open: ours(plain, { touchAfter: TOUCH_AFTER }),
  },
  {
    name: '@connect-databank/redis, near cache, touchAfter a minute',
    ours: true,
    touchesLess: true,
    operations: ['mix', 'get'],
    questions: ['operations', 'distance'],
    open: ours(nearCache, { touchAfter: TOUCH_AFTER }),
  },
  { name: 'connect-redis 9 on redis 6', open: connectRedis(createClient, {}) },
  { name: 'connect-redis 9 on redis 6, time-out off', tuned: true, open: connectRedis(createClient, TIMEOUT_OFF) },
  { name: 'connect-redis 9 on redis 5', tuned: true, open: connectRedis(createClient5, {}) },
  {
    name: 'databank-redis by connect-databank 1.0.3',
    touchesLess: true,
    fullOnly: true,
    questions: ['operations', 'administration'],
    open: async ({ url }) => {
      const { Databank } = load('databank')
      const DatabankStore = load('connect-databank-1')(session)
      const { hostname, port } = new URL(url)
      const bank = Databank.get('redis', { host: hostname, port: Number(port), schema: DatabankStore.schema })
      await new Promise((resolve, reject) => {
        bank.connect({}, (/** @type {unknown} */ error) => (error ? reject(error) : resolve(undefined)))
      })
      // Its keys are session:<sid>, always: none of the other stores has such keys.
      const store = new DatabankStore(bank)
      return { store, close: () => bank.disconnect(() => {}) }
    },
  },
  redis5,
  baselineStore(redis5),
  redisBaseline,
]
