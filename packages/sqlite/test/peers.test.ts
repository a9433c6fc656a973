// The tables of other stores, beside those stores.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ConnectSessionKnexStore } from 'connect-session-knex'
import connectSessionSequelize from 'connect-session-sequelize'
import session, { type SessionData, type Store } from 'express-session'
import createKnex from 'knex'
import { Sequelize } from 'sequelize'
import { afterEach, describe, expect, it } from 'vitest'
import { scratchFolder } from '../../../testing/program.js'
import { newSession } from '../../../testing/requests.ts'
import { cacheFolder } from '../../../testing/servers/index.js'
import { unpackNpm } from '../../../testing/tools/npm.js'
import { SqliteBank, SqliteStore } from '../src/index.ts'
import { BetterSqlite3 } from './fixtures/better-sqlite3.ts'
import * as sqlite3 from './fixtures/sqlite3.ts'
import { HOUR } from './support.ts'

type Layout = 'connect-sqlite3' | 'better-sqlite3-session-store' | 'connect-session-knex' | 'connect-session-sequelize'

interface Peer {
  readonly store: Pick<Store, 'get' | 'set' | 'destroy'> & { touch(sid: string, data: SessionData, done: () => void): unknown }
  /** Creates the table as the peer does. */
  create(): Promise<unknown>
  close(): Promise<unknown>
}

type StoreClass = new (options: object) => Peer['store']

/** connect-sqlite3 without its dependency, the package sqlite3, which it does not need if it is given a database. */
async function connectSqlite3(): Promise<StoreClass> {
  const folder = join(cacheFolder, 'connect-sqlite3-0.9.18')
  const require = createRequire(import.meta.url)
  const load = (): StoreClass => require(folder)(session)
  try {
    return load()
  } catch {
    await unpackNpm('connect-sqlite3@0.9.18', folder)
    return load()
  }
}

/** How each peer is made. */
const peers: Record<Layout, { table: string; expires: string; open(path: string): Promise<Peer> }> = {
  'connect-sqlite3': {
    table: 'sessions',
    expires: 'expired',
    async open(path) {
      const db = new sqlite3.Database(path)
      const Store = await connectSqlite3()
      const store = new Store({ db })
      return { store, create: () => promised((callback) => store.get('nobody', callback)), close: async () => db.close() }
    },
  },
  'better-sqlite3-session-store': { table: 'sessions', expires: 'expire', open: openBetterSqlite3SessionStore },
  'connect-session-knex': {
    table: 'sessions',
    expires: 'expired',
    async open(path) {
      const knex = createKnex({ client: 'better-sqlite3', connection: { filename: path }, useNullAsDefault: true })
      const store = new ConnectSessionKnexStore({ knex, cleanupInterval: 0 })
      return { store: store as Peer['store'], create: () => store.get('nobody', () => {}), close: () => knex.destroy() }
    },
  },
  'connect-session-sequelize': {
    table: 'Sessions',
    expires: 'expires',
    async open(path) {
      const db = new Sequelize({ dialect: 'sqlite', dialectModule: sqlite3, storage: path, logging: false })
      const store = new (connectSessionSequelize(session.Store))({ db, checkExpirationInterval: 0 })
      return { store: store as never, create: () => store.sync(), close: () => db.close() }
    },
  },
}

/** better-sqlite3-session-store is published under the GPL, so it is not used: this sends the same SQL. */
async function openBetterSqlite3SessionStore(path: string): Promise<Peer> {
  const db = new BetterSqlite3(path)
  const create = 'create table if not exists sessions (sid text not null primary key, sess json not null, expire text not null)'
  const isLive = `datetime('now') < datetime(expire)`
  const expireOf = ({ cookie }: SessionData): string => new Date(Date.now() + (cookie.maxAge || 86_400_000)).toISOString()
  const store: Peer['store'] = {
    get(sid, done) {
      const row = db.prepare(`select sess from sessions where sid = ? and ${isLive}`).get(sid) as { sess: string } | undefined
      done(null, row && JSON.parse(row.sess))
    },
    set(sid, data, done) {
      db.prepare('insert or replace into sessions values (?, ?, ?)').run(sid, JSON.stringify(data), expireOf(data))
      done?.()
    },
    touch(sid, data, done) {
      db.prepare(`update sessions set expire = ? where sid = ? and ${isLive}`).run(expireOf(data), sid)
      done()
    },
    destroy(sid, done) {
      db.prepare('delete from sessions where sid = ?').run(sid)
      done?.()
    },
  }
  return { store, create: async () => db.exec(create), close: async () => db.close() }
}

/** The SQL by which each peer finds what it deletes. The parameter is the present time. */
const isExpired: Record<Layout, string> = {
  'connect-sqlite3': '? > expired',
  'better-sqlite3-session-store': `datetime(? / 1000, 'unixepoch') > datetime(expire)`,
  'connect-session-knex': `datetime(expired) < datetime(? / 1000, 'unixepoch')`,
  'connect-session-sequelize': `expires < strftime('%Y-%m-%d %H:%M:%f +00:00', ? / 1000, 'unixepoch')`,
}

/** The result of a method that takes a callback. */
function promised<Result>(
  call: (callback: (error?: unknown, result?: Result | null) => void) => void,
): Promise<Result | null | undefined> {
  return new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))))
}

/** When the session expires, in epoch milliseconds. */
async function expiryOf(store: SqliteStore, sid: string): Promise<number> {
  return new Date((await store.get(sid))!.cookie.expires!).getTime()
}

function expectNear(time: number, expected: number): void {
  expect(Math.abs(time - expected)).toBeLessThan(2_000)
}

const read = (store: Peer['store'], sid: string) => promised<SessionData>((callback) => store.get(sid, callback))
const write = (store: Peer['store'], sid: string, data: SessionData) =>
  promised((callback) => store.set(sid, data, (error) => callback(error)))

/** The session as a request has it. */
async function loaded(store: SqliteStore, sid: string): Promise<session.Session & SessionData & Record<string, unknown>> {
  const data = await store.get(sid)
  const request = { sessionStore: store, sessionID: sid } as unknown as Parameters<Store['createSession']>[0]
  return store.createSession(request, data!) as never
}

describe('the table of', () => {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  for (const [layout, { table, expires, open }] of Object.entries(peers) as [Layout, (typeof peers)[Layout]][]) {
    describe(layout, () => {
      async function both(creator: 'peer' | 'we' = 'peer') {
        const { path: folder, remove } = await scratchFolder()
        ends.push(remove)
        const path = join(folder, 'sessions.db')
        // One process must not have two copies of SQLite on one file.
        const newStore = (options: object = {}): SqliteStore => {
          const store = new SqliteStore({ path, layout, engine: 'better-sqlite3', ...options })
          ends.push(() => store.close())
          return store
        }
        const store = newStore({ createTable: creator === 'we' })
        if (creator === 'we') await store.open()
        const peer = await open(path)
        ends.push(() => peer.close())
        await peer.create()
        const sql = (text: string, ...parameters: unknown[]): unknown[] => {
          const database = new BetterSqlite3(path)
          const statement = database.prepare(text)
          const rows = statement.reader ? statement.all(...parameters) : [statement.run(...parameters)]
          database.close()
          return rows
        }
        return { path, peer: peer.store, store, newStore, sql }
      }

      it('is read, touched and merged', async () => {
        const { peer, store } = await both()
        await write(peer, 'a', newSession({ user: 'Ada', visits: 1 }, HOUR))
        const [one, other] = [await loaded(store, 'a'), await loaded(store, 'a')]
        expect(one).toMatchObject({ user: 'Ada', visits: 1 })
        expectNear(await expiryOf(store, 'a'), Date.now() + HOUR)
        one['visits'] = 2
        other['color'] = 'green'
        await store.set('a', one)
        await store.set('a', other)
        expect(await read(peer, 'a')).toMatchObject({ user: 'Ada', visits: 2, color: 'green' })
        other.cookie.maxAge = 2 * HOUR
        await store.touch('a', other)
        expectNear(await expiryOf(store, 'a'), Date.now() + 2 * HOUR)
        await store.destroy('a')
        expect(await read(peer, 'a')).toBeFalsy()
      })

      it('is written so that the other store reads, touches and destroys it, also in the table that we created', async () => {
        const { peer, store } = await both('we')
        await store.set('a', newSession({ user: 'Ada' }, HOUR))
        expect(await read(peer, 'a')).toMatchObject({ user: 'Ada', cookie: { originalMaxAge: HOUR } })
        await promised((callback) => peer.touch('a', newSession({}, 3 * HOUR), () => callback()))
        expectNear(await expiryOf(store, 'a'), Date.now() + 3 * HOUR)
        await write(peer, 'a', newSession({ user: 'Grace' }))
        expect(await store.get('a')).toMatchObject({ user: 'Grace' })
        await promised((callback) => peer.destroy('a', callback))
        expect(await store.get('a')).toBe(null)
      })

      it('does not extend an absolute time-out by what the other store writes', async () => {
        const { peer, newStore } = await both()
        const store = newStore({ absoluteTimeout: 2 * HOUR })
        await store.set('a', newSession({ user: 'Ada' }, HOUR))
        const latest = Date.now() + 2 * HOUR
        const longer = newSession({}, 10 * HOUR)
        await write(peer, 'a', { ...(await read(peer, 'a'))!, ...longer, visits: 1 } as SessionData)
        await promised((callback) => peer.touch('a', longer, () => callback()))
        expect(await store.get('a')).toMatchObject({ user: 'Ada', visits: 1 })
        expect(await expiryOf(store, 'a')).toBeLessThanOrEqual(latest)
        await store.set('a', Object.assign(await loaded(store, 'a'), { visits: 2 }))
        expect(await expiryOf(store, 'a')).toBeLessThanOrEqual(latest)
      })

      it('is the same, whichever of both creates it', async () => {
        const columns = `select name, type, "notnull", pk from pragma_table_info('${table}') order by name`
        const [one, other] = [await both('peer'), await both('we')]
        expect(other.sql(columns)).toEqual(one.sql(columns))
      })

      it('holds the expiry to the millisecond', async () => {
        const { store } = await both()
        const data = newSession({}, HOUR)
        const time = Math.floor(Date.now() / 1000) * 1000 + HOUR + 123
        data.cookie.expires = new Date(time)
        await store.set('a', data)
        expect(await expiryOf(store, 'a')).toBe(time)
      })

      it('holds a session that never expires, which stays when the other store cleans up', async () => {
        const { peer, newStore, sql } = await both()
        const store = newStore({ ttl: null })
        const data = newSession({ user: 'Ada' })
        data.cookie.expires = null as never
        await store.set('a', data)
        expect((await store.get('a'))?.cookie.expires).toBeFalsy()
        expect(await read(peer, 'a')).toMatchObject({ user: 'Ada' })
        expect(await promised((callback) => store.length(callback))).toBe(1)
        await promised((callback) => store.cleanup(callback))
        expect(await store.get('a')).toMatchObject({ user: 'Ada' })
        expect(sql(`select sid from "${table}" where ${isExpired[layout]}`, Date.now())).toEqual([])
      })

      it('is written so that the other store deletes what has expired, and nothing else', async () => {
        const { path, sql } = await both()
        const bank = new SqliteBank({ path, layout, engine: 'better-sqlite3' })
        const now = Date.now()
        await bank.save('expired', { payload: '{}', expires: now - 5_000 })
        await bank.save('live', { payload: '{}', expires: now + 5_000 })
        expect(sql(`select sid from "${table}" where ${isExpired[layout]}`, now)).toEqual([{ sid: 'expired' }])
        await bank.close()
      })

      it('is cleaned of what expired', async () => {
        const { peer, store, sql } = await both()
        const expire = (sid: string): unknown =>
          layout === 'connect-sqlite3'
            ? sql(`update sessions set expired = expired - 86400000 where sid = ?`, sid)
            : sql(`update "${table}" set "${expires}" = replace("${expires}", '20', '19') where sid = ?`, sid)
        await write(peer, 'live', newSession({}, HOUR))
        await write(peer, 'expired', newSession({}, HOUR))
        expire('expired')
        expect(await store.get('expired')).toBe(null)
        expect(await promised((callback) => store.length(callback))).toBe(1)
        await promised((callback) => store.cleanup(callback))
        expect(sql(`select sid from "${table}"`)).toEqual([{ sid: 'live' }])
        // A new session may have the id of an expired one.
        expire('live')
        await store.set('live', newSession({ user: 'new' }))
        expect(await read(peer, 'live')).toMatchObject({ user: 'new' })
      })
    })
  }
})
