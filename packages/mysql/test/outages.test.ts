// What the network and the server do to the connections of a store, with real processes.
import { createPool } from 'mysql2'
import { type Connection, createConnection, createPool as createPromisePool } from 'mysql2/promise'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startProxy } from '../../../testing/proxy.js'
import { all, get, newSession, type Outcome, outcome, recovers, set } from '../../../testing/requests.ts'
import type { MysqlOptions } from '../../../testing/tools/mysql-server.js'
import { type MysqlBankOptions, MysqlStore } from '../src/index.ts'
import { kinds, oneServer, type Started, sql } from './support.ts'

const TIMEOUT = 1_500
/** A deadline may come a little late, and the machine may be busy. */
const WITHIN = TIMEOUT + 1_000

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function opened(options: MysqlBankOptions): MysqlStore {
  const store = new MysqlStore({ timeout: TIMEOUT, ...options })
  ends.push(() => store.close())
  return store
}

const at = (port: number): { url: string } => ({ url: `mysql://databank:secret@127.0.0.1:${port}/test` })

function expectInTime(outcomes: readonly Outcome[], ...codes: readonly string[]): void {
  for (const { code, message, milliseconds } of outcomes) {
    expect(codes, message).toContain(code)
    expect(milliseconds).toBeLessThan(WITHIN)
  }
}

for (const kind of kinds) {
  /** The server of most tests, which leave it running. Each begins without a table. */
  const server = oneServer(kind)
  beforeEach(async () => {
    if (!kind.isMissing) await sql(server.url, 'drop table if exists databank_sessions', 'drop user if exists app')
  })
  afterEach(() => {
    if (!kind.isMissing) server.program.thaw()
  })

  /** A server of the test's own, for one with other settings. */
  async function started(options: MysqlOptions = {}): Promise<Started> {
    const another = await kind.start(options)
    ends.push(() => another.stop())
    return another
  }

  async function proxied({ port }: Pick<Started, 'port'>) {
    const proxy = await startProxy(port)
    ends.push(() => proxy.close())
    return proxy
  }

  describe.skipIf(kind.isMissing)(`a store whose server of ${kind.name}`, () => {
    it('is down at the start: each operation fails with a code, and the store recovers when the server is there', async () => {
      await server.program.stop()
      const store = opened({ url: server.url })
      await expect(store.open()).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
      expectInTime(await all(store, 'a'), 'DATABANK_UNAVAILABLE')
      await server.program.start()
      await recovers(store, 3_000)
    })

    it('is killed and started again: nothing acknowledged is lost', async () => {
      const store = opened({ url: server.url })
      await set(store, 'kept', { who: 'Ada' })
      await server.program.stop('SIGKILL')
      expectInTime(await all(store, 'a'), 'DATABANK_UNAVAILABLE')
      await server.program.start()
      await recovers(store, 3_000)
      expect((await get(store, 'kept')).value).toMatchObject({ who: 'Ada' })
    })

    it('is frozen: each operation ends in time, and the store recovers', async () => {
      const store = opened({ url: server.url })
      await store.open()
      server.program.freeze()
      expectInTime(await all(store, 'a'), 'DATABANK_TIMEOUT', 'DATABANK_UNAVAILABLE')
      server.program.thaw()
      await recovers(store, 3_000)
    })

    it('has vanished without a word: the connection is replaced', async () => {
      const proxy = await proxied(server)
      const store = opened(at(proxy.port))
      await recovers(store, 3_000)
      proxy.silence()
      expectInTime([await get(store, 'a')], 'DATABANK_TIMEOUT', 'DATABANK_UNAVAILABLE')
      proxy.speak()
      // The old connections stay silent: only new ones work.
      await recovers(store, 3_000)
    })

    it('never answers the first statement of a connection: the operation ends in time, and the next connection works', async () => {
      const proxy = await proxied(server)
      for (const text of ['max_allowed_packet', 'databank_sessions']) {
        const held = proxy.holdAt(text)
        const store = opened(at(proxy.port))
        expectInTime([await get(store, 'a')], 'DATABANK_TIMEOUT')
        await held
        await recovers(store, 3_000)
      }
    })

    it('never answers a statement that the connection has not prepared: the pool has all its connections again', async () => {
      const proxy = await proxied(server)
      const store = opened({ ...at(proxy.port), maxConnections: 1 })
      await recovers(store, 3_000)
      const held = proxy.holdAt('delete from')
      expectInTime([await outcome(() => store.destroy('a'))], 'DATABANK_TIMEOUT')
      await held
      await recovers(store, 3_000)
    })

    it('is cut off before and after an answer: the write fails, and happened only if it was sent', async () => {
      const proxy = await proxied(server)
      const [store, direct] = [opened(at(proxy.port)), opened({ url: server.url })]
      const cuts = { before: () => proxy.cutBefore('cut me'), after: () => proxy.cutAfter('cut me') }
      for (const [moment, cut] of Object.entries(cuts)) {
        await recovers(store, 3_000)
        const sprung = cut()
        const { code, message } = await set(store, moment, { text: 'cut me' })
        await sprung
        expect(code, `${moment}: ${message}`).toBe('DATABANK_UNAVAILABLE')
        const isStored = async (): Promise<boolean> => (await get(direct, moment)).value !== null
        if (moment === 'before') expect(await isStored()).toBe(false)
        else await expect.poll(isStored).toBe(true)
      }
    })

    it('has become a read-only replica: the connection is left for what the address leads to now', async () => {
      const old = await started()
      for (const { url } of [old, server]) {
        const grant = 'grant select, insert, update, delete, create on test.* to app@`%`'
        await sql(url, "create user app@'%' identified by 'secret'", grant)
      }
      const proxy = await proxied(old)
      const store = opened({ url: `mysql://app:secret@127.0.0.1:${proxy.port}/test` })
      await recovers(store, 3_000)
      await sql(old.url, 'set global read_only = 1')
      await expect.poll(async () => (await set(store, 'a')).code).toBe('DATABANK_UNAVAILABLE')
      proxy.target = server.port
      await recovers(store, 3_000)
      expect(await sql(server.url, `select 1 from databank_sessions where id = 'again'`)).toHaveLength(1)
    })

    it('has a new password: connections go on, new ones are denied', async () => {
      await sql(server.url, "create user app@'%' identified by 'secret'", 'grant all on test.* to app@`%`')
      const url = server.url.replace('databank:', 'app:')
      const store = opened({ url, maxConnections: 1 })
      await set(store, 'a', { who: 'Ada' })
      await sql(server.url, "alter user app@'%' identified by 'another'")
      expect((await get(store, 'a')).value).toMatchObject({ who: 'Ada' })
      const another = opened({ url })
      expectInTime(await all(another, 'b'), 'DATABANK_DENIED')
      await sql(server.url, "alter user app@'%' identified by 'secret'")
      await recovers(another, 3_000)
    })

    it('drops the table while the store runs: it is created again', async () => {
      const store = opened({ url: server.url })
      await set(store, 'a')
      await sql(server.url, 'drop table databank_sessions')
      expect((await get(store, 'a')).value).toBe(null)
      await recovers(store)
    })

    it('takes no more connections', async () => {
      const small = await started({ settings: { 'max-connections': 10 } })
      const held: Connection[] = []
      for (let isFull = false; !isFull; ) {
        await createConnection(small.url).then(
          (connection) => held.push(connection),
          () => {
            isFull = true
          },
        )
      }
      const store = opened({ url: small.url })
      expectInTime(await all(store, 'a'), 'DATABANK_UNAVAILABLE')
      await Promise.all(held.map((connection) => connection.end()))
      await recovers(store, 3_000)
    })
  })

  describe.skipIf(kind.isMissing)(`a store on a pool to ${kind.name}`, () => {
    it('whose connections are all in use: each operation ends in time, and none runs later', async () => {
      const pool = createPromisePool({ uri: server.url, connectionLimit: 1 })
      ends.push(() => pool.end())
      const store = opened({ pool })
      await store.open()
      const connection = await pool.getConnection()
      expectInTime(await all(store, 'a'), 'DATABANK_UNAVAILABLE')
      connection.release()
      await recovers(store)
      expect((await get(store, 'a')).value).toBe(null)
    })

    it('whose connections are not in utf8mb4: nothing is written, and the message says what to change', async () => {
      await sql(server.url, 'drop table if exists databank_sessions')
      const pools: MysqlBankOptions['pool'][] = []
      for (const charset of ['latin1', 'utf8', 'gbk', 'ascii', 'binary']) {
        pools.push(createPool({ uri: server.url, charset }), createPromisePool({ uri: server.url, charset }))
      }
      for (const setting of ['names latin1', 'names utf8mb3', 'character_set_connection = latin1']) {
        const pool = createPool(server.url)
        pool.on('connection', (connection) => connection.query(`set ${setting}`))
        pools.push(pool)
      }
      ends.push(() => Promise.all(pools.map((pool) => pool!.end())))
      const refusal = { code: 'DATABANK_INVALID_OPTION', message: expect.stringContaining("charset: 'utf8mb4'") }
      const stores = pools.map((pool) => opened({ pool: pool! }))
      for (const store of [...stores, opened({ url: server.url, poolOptions: { charset: 'latin1' } })]) {
        await expect(store.open()).rejects.toMatchObject(refusal)
        await expect(store.set('a', newSession({ text: 'é' }))).rejects.toMatchObject(refusal)
      }
      expect(await sql(server.url, "show tables like 'databank_sessions'")).toEqual([])
      const right = createPool({ uri: server.url, charset: 'utf8mb4_unicode_ci' })
      ends.push(() => right.end())
      await recovers(opened({ pool: right }))
    })

    it('whose connections do not commit: nothing is lost, since nothing is accepted', async () => {
      const pool = createPool(server.url)
      pool.on('connection', (connection) => connection.query('set autocommit = 0'))
      ends.push(() => pool.promise().end())
      await expect(opened({ pool }).set('a', newSession())).rejects.toMatchObject({
        code: 'DATABANK_INVALID_OPTION',
        message: expect.stringContaining('autocommit is off'),
      })
    })

    it('that counts changed rows only: an update that changes nothing succeeds, also in the table of another store', async () => {
      const pool = createPool({ uri: server.url, flags: ['-FOUND_ROWS'] })
      ends.push(() => pool.promise().end())
      const store = opened({ pool, layout: 'express-mysql-session', table: 'unchanged' })
      await store.set('a', { cookie: { originalMaxAge: null, expires: null } } as never)
      await expect(store.update('a', () => {})).resolves.toBeDefined()
    })

    it('of the application never closes it, whatever its options make of rows and numbers', async () => {
      const strange = { supportBigNumbers: true, bigNumberStrings: true, rowsAsArray: true, dateStrings: true, typeCast: false }
      for (const options of [strange, { nestTables: true }, { nestTables: '_' }]) {
        const pool = createPool({ uri: server.url, ...options } as never)
        ends.push(() => pool.end())
        const store = opened({ pool })
        await set(store, 'a', { n: 1 })
        expect((await get(store, 'a')).value).toMatchObject({ n: 1 })
        expect(await store.length()).toBe(1)
        await store.update('a', (session) => void Object.assign(session, { n: 2 }))
        expect((await get(store, 'a')).value).toMatchObject({ n: 2 })
        await store.close()
        expect((await outcome(() => store.get('a'))).code).toBe('DATABANK_CLOSED')
        await expect(pool.promise().query('select 1')).resolves.toBeDefined()
      }
    })
  })
}
