import { createRequire } from 'node:module'
import { join } from 'node:path'
import createKnex from 'knex'
import { baselineStore } from './client-baseline.js'

// Not called `require`: these have no types.
const load = createRequire(import.meta.url)

export const title = 'SQLite'

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

/** @type {import('./index.js').MeasuredStore[]} */
export const stores = [
  {
    name: '@connect-databank/sqlite',
    ours: true,
    open: async ({ folder }) => {
      const { SqliteStore } = await import('@connect-databank/sqlite')
      const store = new SqliteStore({ path: join(folder, 'sessions.db') })
      await store.open()
      return { store, purge: () => store.cleanup(), close: () => store.close() }
    },
  },
  {
    name: 'connect-session-knex 5, better-sqlite3',
    open: async ({ folder }) => {
      const connection = { filename: join(folder, 'knex.db') }
      const knex = createKnex({ client: 'better-sqlite3', connection, useNullAsDefault: true })
      const { ConnectSessionKnexStore } = load('connect-session-knex')
      const store = new ConnectSessionKnexStore({ knex, cleanupInterval: 0 })
      await store.get('nobody', () => {})
      return { store, close: () => knex.destroy() }
    },
  },
  bare,
  baselineStore(bare),
]
