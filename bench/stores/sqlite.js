import { createRequire } from 'node:module'
import { join } from 'node:path'
import session from 'express-session'
import createKnex from 'knex'
import { baselineStore } from './client-baseline.js'
import { MIX_ONLY, TOUCH_AFTER } from './index.js'

// Not called `require`: these have no types.
const load = createRequire(import.meta.url)

/** Two of the peers wait for the disk at each write by default. */
export const sessions = 1_000

/** @type {import('./index.js').MeasuredStore} */
const bare = {
  name: 'better-sqlite3 12, bare',
  limit: true,
  open: async ({ folder }) => {
    const database = new (load('better-sqlite3'))(join(folder, 'bare.db'))
    database.pragma('journal_mode = wal')
    database.pragma('synchronous = normal')
    database.exec('create table sessions (id text primary key, payload text not null, expires integer not null) without rowid')
    const get = database.prepare('select payload from sessions where id = ?').pluck()
    const set = database.prepare('insert or replace into sessions values (?, ?, ?)')
    const touch = database.prepare('update sessions set expires = ? where id = ?')
    return {
      client: {
        get: async (sid) => get.get(sid),
        set: async (sid, text, expires) => set.run(sid, text, expires),
        touch: async (sid, expires) => touch.run(expires, sid),
      },
      close: async () => database.close(),
    }
  },
}

/** @param {Partial<import('@connect-databank/sqlite').SqliteStoreOptions>} [options] */
function ours(options) {
  return async (/** @type {import('./index.js').Target} */ { folder }) => {
    const { SqliteStore } = await import('@connect-databank/sqlite')
    const store = new SqliteStore({ path: join(folder, 'sessions.db'), ...options })
    await store.open()
    return { store, purge: () => store.cleanup(), close: () => store.close() }
  }
}

/** @param {(database: any) => void} [prepare] is called with each connection to the database */
function onKnex(prepare) {
  return async (/** @type {import('./index.js').Target} */ { folder }) => {
    const pool = {
      afterCreate(/** @type {any} */ database, /** @type {(error: null, database: any) => void} */ done) {
        prepare?.(database)
        done(null, database)
      },
    }
    const connection = { filename: join(folder, 'knex.db') }
    const knex = createKnex({ client: 'better-sqlite3', connection, useNullAsDefault: true, pool })
    const { ConnectSessionKnexStore } = load('connect-session-knex')
    const store = new ConnectSessionKnexStore({ knex, cleanupInterval: 0 })
    await store.get('nobody', () => {})
    return { store, close: () => knex.destroy() }
  }
}

/** @param {{ concurrentDb?: boolean }} [options] `concurrentDb`: with SQLite's write-ahead log */
function connectSqlite3(options) {
  return async (/** @type {import('./index.js').Target} */ { folder }) => {
    const SQLiteStore = load('connect-sqlite3')(session)
    const store = new SQLiteStore({ dir: folder, db: 'connect-sqlite3.db', ...options })
    await new Promise((resolve) => store.client.once('connect', resolve))
    return { store }
  }
}

/** @type {import('./index.js').MeasuredStore[]} */
export const stores = [
  { name: '@connect-databank/sqlite', ours: true, open: ours() },
  {
    name: '@connect-databank/sqlite, touchAfter a minute',
    ours: true,
    touchesLess: true,
    operations: MIX_ONLY,
    questions: ['operations'],
    fullOnly: true,
    open: ours({ touchAfter: TOUCH_AFTER }),
  },
  { name: 'connect-session-knex 5 on better-sqlite3', open: onKnex() },
  {
    name: 'connect-session-knex 5 on better-sqlite3, WAL',
    tuned: true,
    open: onKnex((database) => {
      database.pragma('journal_mode = wal')
      database.pragma('synchronous = normal')
    }),
  },
  { name: 'connect-sqlite3 0.9', open: connectSqlite3() },
  { name: 'connect-sqlite3 0.9, WAL', tuned: true, open: connectSqlite3({ concurrentDb: true }) },
  bare,
  baselineStore(bare),
]
