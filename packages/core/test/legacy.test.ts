import { createRequire } from 'node:module'
import bunyan from 'bunyan'
import session, { type SessionData } from 'express-session'
import { describe, expect, it } from 'vitest'
import connectDatabank, { type Databank, DatabankStore } from '../src/index.ts'

const { Databank: databank } = createRequire(import.meta.url)('databank')
const LegacyStore = connectDatabank(session)

async function connected(): Promise<Databank> {
  const db = databank.get('memory', { schema: LegacyStore.schema })
  await new Promise<void>((resolve, reject) => db.connect({}, (error: unknown) => (error ? reject(error) : resolve())))
  return db
}

/** A bunyan logger, and what it wrote. */
function logger() {
  const records: Record<string, unknown>[] = []
  const stream = { write: (record: Record<string, unknown>) => void records.push(record) }
  const log = bunyan.createLogger({ name: 'test', streams: [{ type: 'raw', stream: stream as never, level: 'debug' }] })
  return { log: log as never, records }
}

type Method = 'get' | 'set' | 'destroy' | 'all' | 'length' | 'clear' | 'cleanup'
function call<Value = Record<string, unknown>>(store: object, method: Method, ...args: unknown[]): Promise<Value> {
  return new Promise<Value>((resolve, reject) =>
    (store as Record<Method, (...args: unknown[]) => void>)[method](...args, (error: unknown, value: Value) =>
      error ? reject(error) : resolve(value),
    ),
  )
}

const alive = () => ({ cookie: { expires: new Date(Date.now() + 60_000).toISOString() }, example: 'foo' })
const dead = () => ({ cookie: { expires: new Date(Date.now() - 1).toISOString() } })

describe('the call of 1.x', () => {
  it('has its schema, and makes the store that 2 makes', () => {
    expect(LegacyStore.schema).toEqual({ session: { pkey: 'sid' } })
    expect(LegacyStore.prototype).toBeInstanceOf(DatabankStore)
    expect(LegacyStore.prototype).toBeInstanceOf(session.Store)
  })

  it('serves get, set, destroy, all, length, clear, cleanup and close', async () => {
    const store = new LegacyStore(await connected())
    await call(store, 'set', 'ID1', alive())
    await call(store, 'set', 'ID2', alive())
    await call(store, 'set', 'dead', dead())
    expect((await call(store, 'get', 'ID1')).example).toBe('foo')
    expect(await call(store, 'length')).toBe(2)
    expect((await call<{ sid: string }[]>(store, 'all')).map((each) => each.sid).sort()).toEqual(['ID1', 'ID2'])
    await call(store, 'destroy', 'ID1')
    await call(store, 'destroy', 'ID1')
    expect(await call(store, 'get', 'ID1')).toBeNull()
    await call(store, 'cleanup')
    await call(store, 'clear')
    expect(await call(store, 'length')).toBe(0)
    await store.close()
  })

  it('reads records of 1.x as they are, and writes what 1.x reads', async () => {
    const db = await connected()
    const store = new LegacyStore(db)
    const record = { ...alive(), sid: 'ID1' }
    await new Promise((resolve) => db.save('session', 'ID1', record, resolve))
    const found = await call(store, 'get', 'ID1')
    expect(found).toEqual({ cookie: record.cookie, example: 'foo' })
    expect(found.sid).toBe('ID1')
    await call(store, 'set', 'ID2', alive())
    const written = await new Promise<object>((resolve) => db.read('session', 'ID2', (_error, value) => resolve(value!)))
    expect(written).toEqual({ ...alive(), cookie: expect.anything(), sid: 'ID2' })
  })

  it('does not put sid into the session that it is given', async () => {
    const store = new LegacyStore(await connected())
    const given = alive()
    await call(store, 'set', 'ID1', given)
    expect(Object.keys(given)).toEqual(['cookie', 'example'])
  })

  it('lets browser sessions live, and leaves them at cleanup', async () => {
    const store = new LegacyStore(await connected())
    await call(store, 'set', 'ID1', { cookie: { expires: 0 }, example: 'foo' })
    await call(store, 'set', 'ID2', { cookie: { expires: null } })
    await call(store, 'cleanup')
    expect(await call(store, 'length')).toBe(2)
    expect((await call<SessionData>(store, 'get', 'ID1')).cookie.expires).toBe(0)
  })

  it('deletes at cleanup by the key, not by the sid that a record claims', async () => {
    const db = await connected()
    const store = new LegacyStore(db)
    await call(store, 'set', 'living', alive())
    await new Promise((resolve) => db.save('session', 'copy', { ...dead(), sid: 'living' }, resolve))
    await call(store, 'cleanup')
    expect(await call(store, 'get', 'living')).not.toBeNull()
  })

  it('takes options too', async () => {
    const store = new LegacyStore({ bank: { read: async () => null, save: async () => {}, delete: async () => false } })
    expect(await call(store, 'get', 'ID1')).toBeNull()
  })

  it('makes sessions of the express-session that it is given', async () => {
    class Store {}
    Object.assign(Store.prototype, { createSession: (_request: object, data: object) => ({ ...data, theirs: true }) })
    const Theirs = connectDatabank({ Store } as never)
    const store = new Theirs(await connected())
    await call(store, 'set', 'ID1', alive())
    const data = await call<SessionData>(store, 'get', 'ID1')
    const live = store.createSession({ sessionID: 'ID1' } as never, data)
    expect(live).toMatchObject({ example: 'foo', theirs: true })
    await call(store, 'destroy', 'ID1')
    await call(store, 'set', 'ID1', Object.assign(live, { late: 1 }))
    expect(await call(store, 'get', 'ID1')).toBeNull()
  })

  it('is a TypeError where it is neither options nor a databank', () => {
    expect(() => new LegacyStore({} as never)).toThrow(expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }))
  })
})

describe('the log of 1.x', () => {
  const open = async () => {
    const { log, records } = logger()
    return { store: new LegacyStore(await connected(), log), records }
  }
  const brief = (records: Record<string, unknown>[]) => records.map((each) => [each['level'], each['msg'], each['sid']])

  it('has its records in its order, with its fields', async () => {
    const { store, records } = await open()
    await call(store, 'set', 'ID1', alive())
    await call(store, 'get', 'ID1')
    await call(store, 'get', 'ID2')
    await call(store, 'destroy', 'ID1')
    await call(store, 'destroy', 'ID1')
    await call(store, 'all')
    await call(store, 'length')
    await call(store, 'clear')
    expect(brief(records)).toEqual([
      [20, 'Saved session.', 'ID1'],
      [20, 'Got session.', 'ID1'],
      [20, 'No session in get()', 'ID2'],
      [20, 'Got session.', 'ID2'],
      [20, 'Destroy for found session', 'ID1'],
      [20, 'Destroy for non-existent session; all good.', 'ID1'],
      [20, 'Retrieved all sessions', undefined],
      [20, 'Retrieved count of sessions', undefined],
      [20, 'Cleared all sessions.', undefined],
    ])
    expect(records[0]).toMatchObject({ component: 'connect-databank', session: { example: 'foo' } })
    expect(records[1]).toMatchObject({ component: 'connect-databank', session: { example: 'foo' } })
    expect([records[6]?.['count'], records[7]?.['length']]).toEqual([0, 0])
  })

  it('tells of a clean-up session by session, under one cid', async () => {
    const { store, records } = await open()
    await call(store, 'set', 'living', alive())
    await call(store, 'set', 'dead', dead())
    records.length = 0
    await call(store, 'cleanup')
    expect(brief(records)).toEqual([
      [20, 'Starting cleanup.', undefined],
      [20, 'Ignoring active session.', 'living'],
      [20, 'Queuing inactive session for cleanup.', 'dead'],
      [20, 'Deleting inactive session.', 'dead'],
      [20, 'Successfully deleted session.', 'dead'],
      [20, 'Finished scanning sessions; waiting for queue to drain.', undefined],
      [20, 'Queue is empty.', undefined],
      [20, 'Finished cleaning up.', undefined],
      [20, 'Finished cleaning up sessions.', undefined],
    ])
    expect(new Set(records.slice(0, -1).map((each) => each['cid'])).size).toBe(1)
  })

  it('has failures at error level, with the sid', async () => {
    const { log, records } = logger()
    const store = new LegacyStore({ ...failing('read'), save() {}, del() {} } as never, log)
    await expect(call(store, 'get', 'ID1')).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({ level: 50, sid: 'ID1', err: { message: 'down' } })
  })
})

function failing(method: string): object {
  return { [method]: (...args: unknown[]) => (args.at(-1) as (error: Error) => void)(new Error('down')) }
}
