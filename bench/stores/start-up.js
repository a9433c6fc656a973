// How an application starts with each store: as its README says. Nothing is loaded before it is asked for.
import { createRequire, isBuiltin } from 'node:module'
import { join } from 'node:path'
import session from 'express-session'

// Not called `require`: these have no types.
const load = createRequire(import.meta.url)

/**
 * @typedef {object} Starting
 * @property {string} name
 * @property {boolean} [ours]
 * @property {readonly string[]} packages what a user installs
 * @property {() => any} load loads the store's package
 * @property {(module: any, target: import('./index.js').Target) => any} open makes a store of it; loads the client
 */

/** @param {string} backend @param {Pick<Starting, 'load' | 'open'>} how @param {readonly string[]} [more] @returns {Starting} */
const ours = (backend, how, more = []) => {
  const name = `@connect-databank/${backend}`
  return { name, ours: true, packages: [name, ...more], ...how }
}

/** Node.js before 22.13 has no SQLite of its own. */
const engine = isBuiltin('node:sqlite') ? [] : ['better-sqlite3']

/** By backend. @type {Record<string, readonly Starting[]>} */
export const programs = {
  memory: [
    ours('memory', {
      load: () => import('@connect-databank/memory'),
      open: ({ MemoryStore }) => new MemoryStore(),
    }),
    { name: 'express-session MemoryStore', packages: [], load: () => {}, open: () => new session.MemoryStore() },
    {
      name: 'memorystore',
      packages: ['memorystore'],
      load: () => load('memorystore')(session),
      open: (MemoryStore) => new MemoryStore({ checkPeriod: 86_400_000 }),
    },
  ],
  disk: [
    ours('disk', {
      load: () => import('@connect-databank/disk'),
      open: ({ DiskStore }, { folder }) => new DiskStore({ path: folder }),
    }),
    {
      name: 'session-file-store',
      packages: ['session-file-store'],
      load: () => load('session-file-store')(session),
      // It answers after seconds what it does not find, unless it may not try again.
      open: (FileStore, { folder }) => new FileStore({ path: folder, retries: 0, logFn: () => {} }),
    },
  ],
  sqlite: [
    ours(
      'sqlite',
      {
        load: () => import('@connect-databank/sqlite'),
        open: ({ SqliteStore }, { folder }) => new SqliteStore({ path: join(folder, 'sessions.db') }),
      },
      engine,
    ),
    {
      name: 'connect-session-knex on better-sqlite3',
      packages: ['connect-session-knex', 'knex', 'better-sqlite3'],
      load: () => load('connect-session-knex'),
      open: ({ ConnectSessionKnexStore }, { folder }) => {
        const connection = { filename: join(folder, 'sessions.db') }
        return new ConnectSessionKnexStore({
          knex: load('knex')({ client: 'better-sqlite3', connection, useNullAsDefault: true }),
        })
      },
    },
    {
      name: 'connect-sqlite3',
      packages: ['connect-sqlite3'],
      load: () => load('connect-sqlite3')(session),
      open: async (SQLiteStore, { folder }) => {
        const store = new SQLiteStore({ dir: folder })
        await new Promise((resolve) => store.client.once('connect', resolve))
        return store
      },
    },
  ],
  postgres: [
    ours('postgres', {
      load: () => import('@connect-databank/postgres'),
      open: ({ PostgresStore }, { url, namespace }) => new PostgresStore({ url, table: namespace }),
    }),
    {
      name: 'connect-pg-simple',
      packages: ['connect-pg-simple', 'pg'],
      load: () => load('connect-pg-simple')(session),
      open: (PgStore, { url, namespace }) => {
        const pool = new (load('pg').Pool)({ connectionString: url })
        return new PgStore({ pool, tableName: namespace, createTableIfMissing: true })
      },
    },
  ],
  mysql: [
    ours('mysql', {
      load: () => import('@connect-databank/mysql'),
      open: ({ MysqlStore }, { url, namespace }) => new MysqlStore({ url, table: namespace }),
    }),
    {
      name: 'express-mysql-session',
      packages: ['express-mysql-session', 'mysql2'],
      load: () => load('express-mysql-session')(session),
      open: async (MySQLStore, { url, namespace: tableName }) => {
        const { hostname: host, port, username: user, password, pathname } = new URL(url)
        const store = new MySQLStore({
          host,
          port: Number(port),
          user,
          password,
          database: pathname.slice(1),
          schema: { tableName },
        })
        await store.onReady()
        return store
      },
    },
  ],
  redis: [
    ours('redis', {
      load: () => import('@connect-databank/redis'),
      open: ({ RedisStore }, { url }) => new RedisStore({ url }),
    }),
    {
      name: 'connect-redis on redis 6',
      packages: ['connect-redis', 'redis'],
      load: () => import('connect-redis'),
      open: async ({ RedisStore }, { url }) => {
        const { createClient } = await import('redis')
        return new RedisStore({ client: await createClient({ url }).connect() })
      },
    },
  ],
  mongodb: [
    ours('mongodb', {
      load: () => import('@connect-databank/mongodb'),
      open: ({ MongoStore }, { url }) => new MongoStore({ url, dbName: 'bench' }),
    }),
    {
      name: 'connect-mongo',
      packages: ['connect-mongo', 'mongodb'],
      load: () => load('connect-mongo'),
      open: ({ MongoStore }, { url: mongoUrl }) => MongoStore.create({ mongoUrl, dbName: 'bench' }),
    },
  ],
  couchbase: [
    ours('couchbase', {
      load: () => import('@connect-databank/couchbase'),
      open: ({ CouchbaseStore }, { url }) => new CouchbaseStore({ url, username: 'bench', password: 'bench' }),
    }),
  ],
}
