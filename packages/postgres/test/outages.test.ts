// What the network and the server do to the connections of a store, with real processes.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundle } from '../../../testing/bundle.js'
import { refusingPort } from '../../../testing/program.js'
import { startProxy } from '../../../testing/proxy.js'
import { all, get, type Outcome, outcome, recovers, set } from '../../../testing/requests.ts'
import { startPostgresql } from '../../../testing/servers/postgresql.js'
import { type PostgresBankOptions, PostgresStore } from '../src/index.ts'
import { isMissing, oneServer, type Postgresql, sql } from './support.ts'

const TIMEOUT = 1_500
/** A deadline may come a little late, and the machine may be busy. */
const WITHIN = TIMEOUT + 1_000

/** The server of most tests, which leave it running. Each begins without a table. */
const server = oneServer()
beforeEach(async () => {
  if (!isMissing) await sql(server.url, 'drop table if exists databank_sessions')
})

const ends: (() => unknown)[] = []
afterEach(async () => {
  if (!isMissing) server.program.thaw()
  for (const end of ends.splice(0).reverse()) await end()
})

/** A server of the test's own, for one with other settings. */
async function started(options: Parameters<typeof startPostgresql>[0] = {}): Promise<Postgresql> {
  const postgresql = await startPostgresql(options)
  ends.push(() => postgresql.stop())
  return postgresql
}

async function proxied({ port }: Pick<Postgresql, 'port'>) {
  const proxy = await startProxy(port)
  ends.push(() => proxy.close())
  return proxy
}

function opened(options: PostgresBankOptions): PostgresStore {
  const store = new PostgresStore({ timeout: TIMEOUT, ...options })
  ends.push(() => store.close())
  return store
}

const at = (port: number): { url: string } => ({ url: `postgres://postgres@127.0.0.1:${port}/postgres` })

function expectInTime(outcomes: readonly Outcome[], ...codes: readonly string[]): void {
  for (const { code, message, milliseconds } of outcomes) {
    expect(codes, message).toContain(code)
    expect(milliseconds).toBeLessThan(WITHIN)
  }
}

describe.skipIf(isMissing)('a store whose server', () => {
  it('is down at the start: each operation fails with a code, and the store recovers when the server is there', async () => {
    const { port, free } = await refusingPort()
    const store = opened(at(port))
    await expect(store.open()).rejects.toMatchObject({
      code: 'DATABANK_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    })
    expectInTime(await all(store, 'a'), 'DATABANK_UNAVAILABLE')
    await free()
    await started({ settings: { port } })
    await recovers(store)
  })

  it('is killed and started again: nothing acknowledged is lost', async () => {
    const store = opened({ url: server.url })
    await set(store, 'kept', { who: 'Ada' })
    await server.program.stop('SIGKILL')
    expectInTime(await all(store, 'a'), 'DATABANK_UNAVAILABLE')
    await server.program.start()
    await recovers(store)
    expect((await get(store, 'kept')).value).toMatchObject({ who: 'Ada' })
  })

  it('is shut down while statements run and started again: they fail with a code', async () => {
    const store = opened({ url: server.url })
    await store.open()
    const pending = Array.from({ length: 200 }, (_, index) => set(store, `many-${index}`))
    await server.program.stop('SIGINT')
    expectInTime(
      (await Promise.all(pending)).filter(({ code }) => code !== undefined),
      'DATABANK_UNAVAILABLE',
    )
    await server.program.start()
    await recovers(store)
  })

  it('is frozen: each operation ends in time, and the store recovers', async () => {
    const store = opened({ url: server.url })
    await store.open()
    server.program.freeze()
    expectInTime(await all(store, 'a'), 'DATABANK_TIMEOUT', 'DATABANK_UNAVAILABLE')
    server.program.thaw()
    await recovers(store)
  })

  it('stays frozen: statements that nobody waits for any more never run', async () => {
    const store = opened({ url: server.url, maxConnections: 1 })
    await store.open()
    server.program.freeze()
    const waiting = await Promise.all(Array.from({ length: 20 }, (_, index) => set(store, `late-${index}`)))
    expectInTime(waiting, 'DATABANK_TIMEOUT', 'DATABANK_UNAVAILABLE')
    server.program.thaw()
    await recovers(store)
    const [row] = await sql(server.url, `select count(*)::int as count from databank_sessions where id like 'late-%'`)
    expect(row?.['count']).toBeLessThan(2)
  })

  it('is frozen: close ends in time, and the process can exit', async () => {
    const { folder, remove } = await bundle({ process: join(import.meta.dirname, 'fixtures/closing.ts') })
    const child = fork(join(folder, 'process.js'), [server.url])
    await once(child, 'message')
    server.program.freeze()
    child.send('close')
    const start = performance.now()
    const [code] = await once(child, 'exit')
    expect(code).toBe(7)
    expect(performance.now() - start).toBeLessThan(4_000)
    server.program.thaw()
    await remove()
  })

  it('stops answering and closes nothing: the connection is replaced', async () => {
    const proxy = await proxied(server)
    const store = opened(at(proxy.port))
    await recovers(store)
    proxy.silence()
    expectInTime([await get(store, 'a')], 'DATABANK_TIMEOUT', 'DATABANK_UNAVAILABLE')
    proxy.speak()
    // The old connections stay silent: only new ones work.
    await recovers(store, 2_000)
  })

  it('is cut off before, after and within an answer: the write fails, and happened only if it was sent', async () => {
    const proxy = await proxied(server)
    const [store, direct] = [opened(at(proxy.port)), opened({ url: server.url })]
    const cuts = {
      before: () => proxy.cutBefore('cut me'),
      after: () => proxy.cutAfter('cut me'),
      within: () => proxy.cutWithin('cut me', 3),
    }
    for (const [moment, cut] of Object.entries(cuts)) {
      await recovers(store)
      const sprung = cut()
      const { code, message } = await set(store, moment, { text: 'cut me' })
      await sprung
      expect(code, `${moment}: ${message}`).toBe('DATABANK_UNAVAILABLE')
      const isStored = async (): Promise<boolean> => (await get(direct, moment)).value !== null
      if (moment === 'before') expect(await isStored()).toBe(false)
      else await expect.poll(isStored).toBe(true)
    }
    const sprung = proxy.cutWithin('within', 40)
    expect(['DATABANK_UNAVAILABLE', undefined]).toContain((await get(store, 'within')).code)
    await sprung
    expect((await get(store, 'within')).value).toMatchObject({ text: 'cut me' })
  })

  it('has become a read-only replica: the connection is left for what the address leads to now', async () => {
    const old = await started()
    const proxy = await proxied(old)
    const store = opened(at(proxy.port))
    await recovers(store)
    await sql(old.url, 'alter system set default_transaction_read_only = on', 'select pg_reload_conf()')
    await expect.poll(async () => (await set(store, 'a')).code).toBe('DATABANK_UNAVAILABLE')
    expect((await set(store, 'a')).message).toContain('read-only')
    proxy.target = server.port
    await recovers(store, 2_000)
    expect(await sql(server.url, `select 1 from databank_sessions where id = 'again'`)).toHaveLength(1)
  })

  it('has a new password: connections go on, new ones are denied', async () => {
    const guarded = await started({ auth: true })
    const store = opened({ url: guarded.url })
    await set(store, 'a', { who: 'Ada' })
    await sql(guarded.url, `alter role postgres password 'another'`)
    expect((await get(store, 'a')).value).toMatchObject({ who: 'Ada' })
    const another = opened({ url: guarded.url })
    expectInTime(await all(another, 'b'), 'DATABANK_DENIED')
    await expect(another.open()).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
    await sql(guarded.url.replace('secret', 'another'), `alter role postgres password 'secret'`)
    await recovers(another)
  })

  it('speaks TLS: the certificate is checked', async () => {
    const secured = await started({ tls: true })
    const store = opened({ url: secured.url, poolOptions: { ssl: { ca: secured.ca! } } })
    await recovers(store)
    const careful = opened({ url: secured.url, poolOptions: { ssl: true } })
    expectInTime([await get(careful, 'a')], 'DATABANK_UNAVAILABLE')
    const demanding = opened({ url: server.url, poolOptions: { ssl: true } })
    expectInTime([await get(demanding, 'a')], 'DATABANK_UNAVAILABLE')
  })

  it('takes no more connections', async () => {
    const small = await started({
      settings: { max_connections: 5, superuser_reserved_connections: 0, autovacuum_worker_slots: 1, max_wal_senders: 0 },
    })
    const others = Array.from({ length: 5 }, () => new pg.Client(small.url))
    await Promise.all(others.map((client) => client.connect()))
    const store = opened({ url: small.url })
    expectInTime(await all(store, 'a'), 'DATABANK_UNAVAILABLE')
    await Promise.all(others.map((client) => client.end()))
    await recovers(store)
  })
})

describe.skipIf(isMissing)('a store on a pool', () => {
  it('whose connections are all in use: each operation ends in time, and none runs later', async () => {
    const pool = new pg.Pool({ connectionString: server.url, max: 1 })
    ends.push(() => pool.end())
    const store = opened({ pool })
    await store.open()
    const client = await pool.connect()
    expectInTime(await all(store, 'a'), 'DATABANK_UNAVAILABLE')
    client.release()
    await recovers(store)
    expect((await get(store, 'a')).value).toBe(null)
  })

  it('whose last connection the application takes in the same turn: the operation ends in time, and does not run later', async () => {
    const pool = new pg.Pool({ connectionString: server.url, max: 1 })
    const store = opened({ pool })
    await set(store, 'first')
    const taken = pool.query('select pg_sleep(3)')
    expectInTime([await set(store, 'late')], 'DATABANK_UNAVAILABLE')
    await taken
    expect((await get(store, 'late')).value).toBeNull()
    await pool.end()
  })

  it('of the application never closes it', async () => {
    const pool = new pg.Pool({ connectionString: server.url })
    ends.push(() => pool.end())
    const store = opened({ pool })
    await set(store, 'a')
    await store.close()
    expect((await outcome(() => store.get('a'))).code).toBe('DATABANK_CLOSED')
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
})
