import { createRequire } from 'node:module'
import session from 'express-session'
import mysql from 'mysql2/promise'
import { baselineStore } from './client-baseline.js'
import { MIX_ONLY, TOUCH_AFTER } from './index.js'

// Not called `require`: these have no types.
const load = createRequire(import.meta.url)

export const server = 'mariadb'

const CONNECTIONS = 10

/** @type {import('./index.js').MeasuredStore} */
const bare = {
  name: 'mysql2 3, bare',
  limit: true,
  open: async ({ url, namespace }) => {
    const pool = mysql.createPool({ uri: url, connectionLimit: CONNECTIONS, rowsAsArray: true })
    const table = `\`${namespace}\``
    await pool.query(
      `create table if not exists ${table} (id varchar(128) primary key, payload mediumtext not null, expires bigint not null)`,
    )
    const upsert = `insert into ${table} values (?, ?, ?) on duplicate key update payload = values(payload), expires = values(expires)`
    return {
      client: {
        get: async (sid) => {
          const [rows] = await pool.execute(`select payload from ${table} where id = ?`, [sid])
          return /** @type {any} */ (rows)[0][0]
        },
        set: (sid, text, expires) => pool.execute(upsert, [sid, text, expires]),
        touch: (sid, expires) => pool.execute(`update ${table} set expires = ? where id = ?`, [expires, sid]),
      },
      close: () => pool.end(),
    }
  },
}

/** @param {ConstructorParameters<typeof import('@connect-databank/mysql').MysqlStore>[0]} [options] */
function ours(options) {
  return async (/** @type {import('./index.js').Target} */ { url, namespace }) => {
    const { MysqlStore } = await import('@connect-databank/mysql')
    const store = new MysqlStore({ url, table: namespace, maxConnections: CONNECTIONS, ...options })
    await store.open()
    return { store, purge: () => store.cleanup(), close: () => store.close() }
  }
}

/** By default it has one connection. @param {{ connectionLimit?: number }} [options] */
function expressMysqlSession(options) {
  return async (/** @type {import('./index.js').Target} */ { url, namespace }) => {
    const { hostname: host, port, username: user, password, pathname } = new URL(url)
    const MySQLStore = load('express-mysql-session')(session)
    const address = { host, port: Number(port), user, password, database: pathname.slice(1) }
    const store = new MySQLStore({ ...address, clearExpired: false, schema: { tableName: namespace }, ...options })
    await store.onReady()
    return { store, close: () => store.close() }
  }
}

/** @type {import('./index.js').MeasuredStore[]} */
export const stores = [
  { name: '@connect-databank/mysql', ours: true, open: ours() },
  {
    name: '@connect-databank/mysql, touchAfter a minute',
    ours: true,
    touchesLess: true,
    operations: MIX_ONLY,
    questions: ['operations'],
    fullOnly: true,
    open: ours({ touchAfter: TOUCH_AFTER }),
  },
  { name: 'express-mysql-session 3', open: expressMysqlSession() },
  {
    name: `express-mysql-session 3, ${CONNECTIONS} connections`,
    tuned: true,
    open: expressMysqlSession({ connectionLimit: CONNECTIONS }),
  },
  bare,
  baselineStore(bare),
]
