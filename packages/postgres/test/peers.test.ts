// The tables of other stores, beside those stores.
import connectPgSimple from 'connect-pg-simple'
import { ConnectSessionKnexStore } from 'connect-session-knex'
import connectSessionSequelize from 'connect-session-sequelize'
import session, { type SessionData, type Store } from 'express-session'
import createKnex from 'knex'
import pg from 'pg'
import { Sequelize } from 'sequelize'
import { afterEach, describe, expect, it } from 'vitest'
import { newSession } from '../../../testing/requests.ts'
import { PostgresStore } from '../src/index.ts'
import { isMissing, oneServer, sql } from './support.ts'

const HOUR = 3_600_000
type LayoutName = 'connect-pg-simple' | 'connect-session-knex' | 'connect-session-sequelize'

interface Peer {
  readonly store: Store
  /** Creates the table as the peer does. */
  create(): Promise<unknown>
  close(): Promise<unknown>
}

/** How each peer is made, on connections with this time zone. */
const peers: Record<LayoutName, { table: string; expires: string; open(url: string, zone: string): Peer }> = {
  'connect-pg-simple': {
    table: 'session',
    expires: 'expire',
    open(url, zone) {
      const pool = new pg.Pool({ connectionString: url, options: `-c TimeZone=${zone}` })
      const store = new (connectPgSimple(session))({ pool, createTableIfMissing: true, pruneSessionInterval: false })
      return { store, create: () => promised((callback) => store.get('nobody', callback)), close: () => pool.end() }
    },
  },
  'connect-session-knex': {
    table: 'sessions',
    expires: 'expired',
    open(url, zone) {
      const knex = createKnex({ client: 'pg', connection: { connectionString: url, options: `-c TimeZone=${zone}` } })
      const store = new ConnectSessionKnexStore({ knex, cleanupInterval: 0 })
      return { store, create: () => store.get('nobody', () => {}), close: () => knex.destroy() }
    },
  },
  'connect-session-sequelize': {
    table: 'Sessions',
    expires: 'expires',
    open(url, zone) {
      const db = new Sequelize(url, { logging: false, dialectOptions: { options: `-c TimeZone=${zone}` } })
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
async function expiryOf(store: PostgresStore, sid: string): Promise<number> {
  return new Date((await store.get(sid))!.cookie.expires!).getTime()
}

function expectNear(time: number, expected: number): void {
  expect(Math.abs(time - expected)).toBeLessThan(2_000)
}

const read = (store: Store, sid: string) => promised<SessionData>((callback) => store.get(sid, callback))
const write = (store: Store, sid: string, data: SessionData) => promised((callback) => store.set(sid, data, callback))

/** The session as a request has it. */
async function loaded(store: PostgresStore, sid: string): Promise<session.Session & SessionData & Record<string, unknown>> {
  const data = await store.get(sid)
  const request = { sessionStore: store, sessionID: sid } as unknown as Parameters<Store['createSession']>[0]
  return store.createSession(request, data!) as never
}

describe.skipIf(isMissing)('the table of', () => {
  const server = oneServer()
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
    await sql(server.url, 'drop table if exists session, sessions, "Sessions"')
  })

  for (const [layout, { table, expires, open }] of Object.entries(peers) as [LayoutName, (typeof peers)[LayoutName]][]) {
    for (const zone of ['UTC', 'America/New_York']) {
      describe(`${layout}, in ${zone}`, () => {
        async function both(creator: 'peer' | 'we' = 'peer') {
          const poolOptions = { options: `-c TimeZone=${zone}` }
          const store = new PostgresStore({ url: server.url, layout, poolOptions, createTable: creator === 'we' })
          ends.push(() => store.close())
          if (creator === 'we') await store.open()
          const peer = open(server.url, zone)
          ends.push(() => peer.close())
          await peer.create()
          return { peer: peer.store, store }
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
          await promised((callback) => peer.touch!('a', newSession({}, 3 * HOUR), callback))
          expectNear(await expiryOf(store, 'a'), Date.now() + 3 * HOUR)
          await write(peer, 'a', newSession({ user: 'Grace' }))
          expect(await store.get('a')).toMatchObject({ user: 'Grace' })
          await promised((callback) => peer.destroy('a', callback))
          expect(await store.get('a')).toBe(null)
        })

        it('does not extend an absolute time-out by what the other store writes', async () => {
          const { peer } = await both()
          const store = new PostgresStore({ url: server.url, layout, absoluteTimeout: 2 * HOUR })
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

        it('holds the expiry to the millisecond', async () => {
          const { store } = await both()
          const data = newSession({}, HOUR)
          const time = Math.floor(Date.now() / 1000) * 1000 + HOUR + 123
          data.cookie.expires = new Date(time)
          await store.set('a', data)
          expect(await expiryOf(store, 'a')).toBe(time)
          const [row] = await sql(
            server.url,
            `set timezone to '${zone}'`,
            `select extract(epoch from "${expires}"::timestamptz)::text as time from "${table}"`,
          )
          expect(Number(row?.['time'])).toBe(time / 1000)
        })

        it('holds a session that never expires', async () => {
          const { peer } = await both()
          const store = new PostgresStore({ url: server.url, layout, ttl: null })
          ends.push(() => store.close())
          const data = newSession({ user: 'Ada' })
          data.cookie.expires = null as never
          await store.set('a', data)
          expect((await store.get('a'))?.cookie.expires).toBeFalsy()
          expect(await read(peer, 'a')).toMatchObject({ user: 'Ada' })
          expect(await promised((callback) => store.length(callback))).toBe(1)
          await promised((callback) => store.cleanup(callback))
          expect(await store.get('a')).toMatchObject({ user: 'Ada' })
        })

        it('is cleaned of what expired', async () => {
          const { peer, store } = await both()
          await write(peer, 'live', newSession({}, HOUR))
          await write(peer, 'expired', newSession({}, HOUR))
          await sql(server.url, `update "${table}" set "${expires}" = now() - interval '1 day' where sid = 'expired'`)
          expect(await store.get('expired')).toBe(null)
          expect(await promised((callback) => store.length(callback))).toBe(1)
          await promised((callback) => store.cleanup(callback))
          expect(await sql(server.url, `select sid from "${table}"`)).toEqual([{ sid: 'live' }])
          // A new session may have the id of an expired one.
          await sql(server.url, `update "${table}" set "${expires}" = now() - interval '1 day'`)
          await store.set('live', newSession({ user: 'new' }))
          expect(await read(peer, 'live')).toMatchObject({ user: 'new' })
        })
      })
    }
  }
})
