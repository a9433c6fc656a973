import { createRequire } from 'node:module'
import session from 'express-session'
import pg from 'pg'
import { baselineStore } from './client-baseline.js'
import { MIX_ONLY, TOUCH_AFTER } from './index.js'

// Not called `require`: these have no types.
const load = createRequire(import.meta.url)

export const server = 'postgresql'

const CONNECTIONS = 10

/** @type {import('./index.js').MeasuredStore} */
const bare = {
  name: 'pg 8, bare',
  limit: true,
  open: async ({ url, namespace }) => {
    const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS })
    const table = pg.escapeIdentifier(namespace)
    await pool.query(`create table if not exists ${table} (id text primary key, payload text not null, expires bigint not null)`)
    const upsert = `insert into ${table} values ($1, $2, $3) on conflict (id) do update set payload = excluded.payload, expires = excluded.expires`
    return {
      client: {
        get: async (sid) => {
          const text = `select payload from ${table} where id = $1`
          return (await pool.query({ name: 'get', text, values: [sid], rowMode: 'array' })).rows[0]?.[0]
        },
        set: (sid, text, expires) => pool.query({ name: 'set', text: upsert, values: [sid, text, expires] }),
        touch: (sid, expires) =>
          pool.query({ name: 'touch', text: `update ${table} set expires = $2 where id = $1`, values: [sid, expires] }),
      },
      close: () => pool.end(),
    }
  },
}

/** @param {ConstructorParameters<typeof import('@connect-databank/postgres').PostgresStore>[0]} [options] */
function ours(options) {
  return async (/** @type {import('./index.js').Target} */ { url, namespace }) => {
    const { PostgresStore } = await import('@connect-databank/postgres')
    const store = new PostgresStore({ url, table: namespace, maxConnections: CONNECTIONS, ...options })
    await store.open()
    return { store, purge: () => store.cleanup(), close: () => store.close() }
  }
}

/** @type {import('./index.js').MeasuredStore[]} */
export const stores = [
  { name: '@connect-databank/postgres', ours: true, open: ours() },
  {
    name: '@connect-databank/postgres, touchAfter a minute',
    ours: true,
    touchesLess: true,
    operations: MIX_ONLY,
    questions: ['operations', 'distance'],
    fullOnly: true,
    open: ours({ touchAfter: TOUCH_AFTER }),
  },
  {
    name: 'connect-pg-simple 10',
    open: async ({ url, namespace }) => {
      const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS })
      const PgStore = load('connect-pg-simple')(session)
      const options = { pool, tableName: namespace, createTableIfMissing: true, pruneSessionInterval: false }
      const store = new PgStore(options)
      await new Promise((done) => store.get('nobody', done))
      return { store, close: () => pool.end() }
    },
  },
  bare,
  baselineStore(bare),
]
