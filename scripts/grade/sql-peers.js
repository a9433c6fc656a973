// The stores of other makers on SQL databases.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { NOTE_ON_ORDER, peer, SWEEP, SWEEP_OF_SECONDS, session, several } from './peer.js'

/** @typedef {import('./stores.js').GradedStore} GradedStore */

/** @type {GradedStore} */
const connectPgSimple = {
  name: 'connect-pg-simple',
  server: 'postgresql',
  packages: ['connect-pg-simple', 'pg'],
  settings: '`createTableIfMissing`',
  note: NOTE_ON_ORDER,
  async prepare({ url: connectionString }) {
    const PgStore = peer('connect-pg-simple')(session())
    const { Pool } = peer('pg')
    const administrator = new Pool({ connectionString, max: 1, allowExitOnIdle: true })
    return async () => {
      // Its index has the same name for each table.
      const schemaName = newName()
      await administrator.query(`create schema ${schemaName}`)
      return several(async () => {
        const pool = new Pool({ connectionString })
        const store = new PgStore({ pool, schemaName, createTableIfMissing: true })
        const close = async () => {
          await store.close()
          await pool.end()
        }
        return { store, close }
      })
    }
  },
}

/** @type {GradedStore} */
const expressMysqlSession = {
  name: 'express-mysql-session',
  server: 'mariadb',
  packages: ['express-mysql-session', 'mysql2'],
  note: NOTE_ON_ORDER,
  async prepare({ url }) {
    const MySQLStore = peer('express-mysql-session')(session())
    const { hostname: host, port, username: user, password, pathname } = new URL(url)
    const address = { host, port: Number(port), user, password, database: pathname.slice(1) }
    return async () => {
      const tableName = newName()
      return several(async () => {
        const store = new MySQLStore({ ...address, schema: { tableName } })
        await store.onReady()
        return { store, close: () => store.close() }
      })
    }
  },
}

/**
 * @param {string} database
 * @param {Pick<GradedStore, 'server' | 'packages'>} needs
 * @param {(location: import('./stores.js').Location) => object} config of knex, for a new or a shared database
 * @returns {GradedStore}
 */
function connectSessionKnex(database, { server, packages }, config) {
  return {
    name: `connect-session-knex on ${database}`,
    ...(server !== undefined && { server }),
    packages: ['connect-session-knex', 'knex', ...packages],
    settings: `\`cleanupInterval: ${SWEEP_OF_SECONDS}\``,
    note: NOTE_ON_ORDER,
    async prepare(location) {
      const { ConnectSessionKnexStore } = peer('connect-session-knex')
      const createKnex = peer('knex')
      // Fails here if the client is missing.
      for (const name of packages) peer(name)
      return async () => {
        const [tableName, own] = [newName(), config(location)]
        return several(async () => {
          const knex = createKnex(own)
          const store = new ConnectSessionKnexStore({ knex, tableName, cleanupInterval: SWEEP_OF_SECONDS })
          await store.ready
          const close = async () => {
            clearTimeout(store.nextDbCleanup)
            store.options.cleanupInterval = 0 // a running sweep schedules no other
            await knex.destroy()
          }
          return { store, close }
        })
      }
    },
  }
}

/** @type {GradedStore} */
const connectSessionSequelize = {
  name: 'connect-session-sequelize on PostgreSQL',
  server: 'postgresql',
  packages: ['connect-session-sequelize', 'sequelize', 'pg'],
  settings: `\`checkExpirationInterval: ${SWEEP}\``,
  note: NOTE_ON_ORDER,
  async prepare({ url }) {
    const SequelizeStore = peer('connect-session-sequelize')(session().Store)
    const { Sequelize } = peer('sequelize')
    return async () => {
      const tableName = newName()
      return several(async () => {
        const db = new Sequelize(url, { logging: false })
        const store = new SequelizeStore({ db, tableName, checkExpirationInterval: SWEEP })
        await store.sync()
        const close = async () => {
          store.stopExpiringSessions()
          await db.close()
        }
        return { store, close }
      })
    }
  },
}

/** @type {GradedStore} */
const connectSqlite3 = {
  name: 'connect-sqlite3',
  packages: ['connect-sqlite3', 'sqlite3'],
  settings: '`concurrentDb`',
  note: NOTE_ON_ORDER,
  async prepare({ folder: dir }) {
    const SQLiteStore = peer('connect-sqlite3')(session())
    return async () => {
      const db = `${randomUUID()}.sqlite`
      return several(async () => {
        const store = new SQLiteStore({ dir, db, concurrentDb: true })
        await new Promise((resolve) => store.client.once('connect', resolve))
        // After an error in a callback, its client never ends the close.
        return { store, close: async () => store.db.close(() => {}) }
      })
    }
  },
}

/** @type {readonly GradedStore[]} */
export const sqlPeers = [
  connectPgSimple,
  expressMysqlSession,
  connectSessionKnex('PostgreSQL', { server: 'postgresql', packages: ['pg'] }, ({ url }) => ({ client: 'pg', connection: url })),
  connectSessionKnex('SQLite', { packages: ['better-sqlite3'] }, ({ folder }) => ({
    client: 'better-sqlite3',
    connection: { filename: join(folder, `${randomUUID()}.sqlite`) },
    useNullAsDefault: true,
  })),
  connectSessionSequelize,
  connectSqlite3,
]

/** Of a table or schema, for one check. */
function newName() {
  return `sessions_${randomUUID().replaceAll('-', '_')}`
}
