// The tables of other stores, beside those stores.
import { createRequire } from 'node:module'
import { ConnectSessionKnexStore } from 'connect-session-knex'
import connectSessionSequelize from 'connect-session-sequelize'
import session, { type SessionData, type Store } from 'express-session'
import createKnex from 'knex'
import { Sequelize } from 'sequelize'
import { afterEach, describe, expect, it } from 'vitest'
import { newSession } from '../../../testing/requests.ts'
import { MysqlStore } from '../src/index.ts'
import { kinds, mariadb, oneServer, sql } from './support.ts'

const expressMysqlSession = createRequire(import.meta.url)('express-mysql-session')
const HOUR = 3_600_000
type LayoutName = 'express-mysql-session' | 'connect-session-knex' | 'connect-session-sequelize'

interface Peer {
  readonly store: Store
  /** Creates the table as the peer does. */
  create(): Promise<unknown>
  close(): Promise<unknown>
}

const peers: Record<LayoutName, { table: string; expires: string; sid: string; past: string; open(url: string): Peer }> = {
  'express-mysql-session': {
    table: 'sessions',
    expires: 'expires',
    sid: 'session_id',
    past: 'unix_timestamp() - 86400',
    open(url) {
      const { hostname: host, port, username: user, password } = new URL(url)
      const options = {
        host,
        port: Number(port),
        user,
        password,
        database: 'test',
        clearExpired: false,
        createDatabaseTable: true,
      }
      const store = new (expressMysqlSession(session))(options)
      return { store, create: () => store.onReady(), close: () => store.close() }
    },
  },
  'connect-session-knex': {
    table: 'sessions',
    expires: 'expired',
    sid: 'sid',
    past: 'utc_timestamp() - interval 1 day',
    open(url) {
      const knex = createKnex({ client: 'mysql2', connection: url })
      const store = new ConnectSessionKnexStore({ knex, cleanupInterval: 0 })
      return { store, create: () => store.get('nobody', () => {}), close: () => knex.destroy() }
    },
  },
  'connect-session-sequelize': {
    table: 'Sessions',
    expires: 'expires',
    sid: 'sid',
    past: 'utc_timestamp() - interval 1 day',
    open(url) {
      const db = new Sequelize(url, { logging: false, dialect: 'mysql' })
      const store = new (connectSessionSequelize(session.Store))({ db, checkExpirationInterval: 0 })
      return { store, create: () => store.sync(), close: () => db.close() }
    },
  },
}

/** The result of a method that takes a callback. */
function promised<Result>(
  call: (callback: (error?: unknown, result?: Result | null) => void) => void,
): Promise<Result | null | undefined> {
  return new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))))
}

/** When the session expires, in epoch milliseconds. */
async function expiryOf(store: MysqlStore, sid: string): Promise<number> {
  return new Date((await store.get(sid))!.cookie.expires!).getTime()
}

function expectNear(time: number, expected: number): void {
  expect(Math.abs(time - expected)).toBeLessThan(3_000)
}

const read = (store: Store, sid: string) => promised<SessionData>((callback) => store.get(sid, callback))
const write = (store: Store, sid: string, data: SessionData) => promised((callback) => store.set(sid, data, callback))

/** The session as a request has it. */
async function loaded(store: MysqlStore, sid: string): Promise<session.Session & SessionData & Record<string, unknown>> {
  const data = await store.get(sid)
  const request = { sessionStore: store, sessionID: sid } as unknown as Parameters<Store['createSession']>[0]
  return store.createSession(request, data!) as never
}

for (const kind of kinds) {
  describe.skipIf(kind.isMissing)(`on ${kind.name}, the table of`, () => {
    const server = oneServer(kind)
    const ends: (() => unknown)[] = []
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end()
      await sql(server.url, 'drop table if exists sessions, Sessions')
    })

    for (const [layout, peer] of Object.entries(peers) as [LayoutName, (typeof peers)[LayoutName]][]) {
      describe(layout, () => {
        async function both(creator: 'peer' | 'we' = 'peer') {
          const store = new MysqlStore({ url: server.url, layout, createTable: creator === 'we' })
          ends.push(() => store.close())
          if (creator === 'we') await store.open()
          const other = peer.open(server.url)
          ends.push(() => other.close())
          await other.create()
          return { peer: other.store, store }
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

        it('does not extend an absolute time-out by what the other store writes', async () => {
          const { peer } = await both()
          const store = new MysqlStore({ url: server.url, layout, absoluteTimeout: 2 * HOUR })
          ends.push(() => store.close())
          await store.set('a', newSession({ user: 'Ada' }, HOUR))
          const latest = Date.now() + 2 * HOUR
          const longer = newSession({}, 10 * HOUR)
          await write(peer, 'a', { ...(await read(peer, 'a'))!, ...longer, visits: 1 } as SessionData)
          await promised((callback) => peer.touch!('a', longer, callback))
          expect(await store.get('a')).toMatchObject({ user: 'Ada', visits: 1 })
          expect(await expiryOf(store, 'a')).toBeLessThanOrEqual(latest)
          await store.set('a', Object.assign(await loaded(store, 'a'), { visits: 2 }))
          expect(await expiryOf(store, 'a')).toBeLessThanOrEqual(latest)
        })

        it('is written so that the other store reads, touches and destroys it, also in the table that we created', async () => {
          const { peer, store } = await both('we')
          await store.set('a', newSession({ user: 'Ada' }, HOUR))
          expect(await read(peer, 'a')).toMatchObject({ user: 'Ada', cookie: { originalMaxAge: HOUR } })
          await promised((callback) => peer.touch!('a', newSession({}, 3 * HOUR), callback))
          expectNear(await expiryOf(store, 'a'), Date.now() + 3 * HOUR)
          await write(peer, 'a', newSession({ user: 'Grace' }))
          expect(await store.get('a')).toMatchObject({ user: 'Grace' })
          await promised((callback) => peer.destroy('a', callback))
          expect(await store.get('a')).toBe(null)
        })

        it('holds whole seconds, rounded up: a session never expires early', async () => {
          const { store } = await both()
          const data = newSession({}, HOUR)
          const time = Math.floor(Date.now() / 1000) * 1000 + HOUR + 123
          data.cookie.expires = new Date(time)
          await store.set('a', data)
          expect(await expiryOf(store, 'a')).toBe(time - 123 + 1000)
        })

        it('holds a session that never expires', async () => {
          await both()
          const store = new MysqlStore({ url: server.url, layout, ttl: null })
          ends.push(() => store.close())
          const data = newSession({ user: 'Ada' })
          data.cookie.expires = null as never
          await store.set('a', data)
          expect((await store.get('a'))?.cookie.expires).toBeFalsy()
          expect(await store.length()).toBe(1)
          await store.cleanup()
          expect(await store.get('a')).toMatchObject({ user: 'Ada' })
        })

        it('is cleaned of what expired, and an expired id can be used again', async () => {
          const { peer, store } = await both()
          await write(peer, 'live', newSession({}, HOUR))
          await write(peer, 'expired', newSession({}, HOUR))
          const { table, expires, sid, past } = peers[layout]
          await sql(server.url, `update ${table} set ${expires} = ${past} where ${sid} = 'expired'`)
          expect(await store.get('expired')).toBe(null)
          expect(await store.length()).toBe(1)
          await store.cleanup()
          expect(await sql(server.url, `select ${sid} as sid from ${table}`)).toEqual([{ sid: 'live' }])
          await sql(server.url, `update ${table} set ${expires} = ${past}`)
          await store.set('live', newSession({ user: 'new' }))
          expect(await read(peer, 'live')).toMatchObject({ user: 'new' })
        })

        it('fails nobody else with a row that is no session', async () => {
          const { peer, store } = await both()
          await write(peer, 'good', newSession({ n: 1 }, HOUR))
          await write(peer, 'bad', newSession({}, HOUR))
          const column = { 'express-mysql-session': 'data', 'connect-session-knex': 'sess', 'connect-session-sequelize': 'data' }[
            layout
          ]
          const values =
            layout === 'connect-session-knex' && kind !== mariadb ? ["'[1]'", "'12'", "'null'"] : ["'[1]'", "'12'", `'"text"'`]
          for (const value of values) {
            await sql(server.url, `update ${peers[layout].table} set ${column} = ${value} where ${peers[layout].sid} = 'bad'`)
            expect(await store.get('bad'), value).toBe(null)
            expect(await store.all()).toEqual([expect.objectContaining({ n: 1 })])
          }
        })
      })
    }

    it('express-mysql-session refuses an id that its column cannot hold', async () => {
      const store = new MysqlStore({ url: server.url, layout: 'express-mysql-session' })
      ends.push(() => store.close())
      await store.set('x'.repeat(128), newSession())
      await expect(store.set('x'.repeat(129), newSession())).rejects.toMatchObject({ code: 'DATABANK_INVALID_ID' })
      expect(await store.get('x'.repeat(129))).toBe(null)
      await expect(store.set('trail ', newSession())).rejects.toMatchObject({ code: 'DATABANK_INVALID_ID' })
    })
  })
}
