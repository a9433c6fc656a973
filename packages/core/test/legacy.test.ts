import { createRequire } from 'node:module'
import bunyan from 'bunyan'
import session, { type SessionData } from 'express-session'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { storeClassFor } from '../src/databank/legacy-store.ts'
import { type Databank, DatabankStore } from '../src/index.ts'
import { nextTurn, ReferenceBank, sessionData, turns } from './helpers.ts'

const { Databank: databank } = createRequire(import.meta.url)('databank')
const LegacyStore = storeClassFor(session)

async function connected(): Promise<Databank> {
  const db = databank.get('memory', { schema: LegacyStore.schema })
  await new Promise<void>((resolve, reject) => db.connect({}, (error: unknown) => (error ? reject(error) : resolve())))
  return db
}

/** A bunyan logger, and what it has written. */
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

const live = () => ({ cookie: { expires: new Date(Date.now() + 60_000).toISOString() }, example: 'foo' })
const expired = () => ({ cookie: { expires: new Date(Date.now() - 1).toISOString() } })

/** A driver one of whose methods fails. */
function failing(method: 'read' | 'save' | 'del' | 'scan', error = new Error('down')): Databank {
  const works = (...args: unknown[]) => (args.at(-1) as (error: null) => void)(null)
  const fails = (...args: unknown[]) => (args.at(-1) as (error: Error) => void)(error)
  return { read: works, save: works, del: works, scan: works, [method]: fails } as never
}

describe('the call of 1.x', () => {
  it('has its schema, and makes a store of 2', () => {
    expect(LegacyStore.schema).toEqual({ session: { pkey: 'sid' } })
    expect(LegacyStore.prototype).toBeInstanceOf(DatabankStore)
    expect(LegacyStore.prototype).toBeInstanceOf(session.Store)
  })

  it('serves get, set, destroy, all, length, clear, cleanup and close', async () => {
    const store = new LegacyStore(await connected())
    await call(store, 'set', 'ID1', live())
    await call(store, 'set', 'ID2', live())
    await call(store, 'set', 'expired', expired())
    expect((await call(store, 'get', 'ID1'))['example']).toBe('foo')
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

  it('returns promises without a callback, and calls back with one argument where there is no value', async () => {
    const store = new LegacyStore(await connected())
    await store.set('ID1', live() as never)
    expect(await store.get('ID1')).toMatchObject({ example: 'foo' })
    expect([await store.length(), (await store.all()).length]).toEqual([1, 1])
    const results: unknown[][] = []
    const collect = (...args: unknown[]) => void results.push(args)
    store.set('ID1', live() as never, collect)
    store.touch('ID1', live() as never, collect)
    store.destroy('ID1', collect)
    store.clear(collect)
    store.cleanup(collect)
    store.close(collect)
    await vi.waitFor(() => expect(results).toHaveLength(6))
    expect(results).toEqual(new Array(6).fill([null]))
  })

  it('reads records of 1.x as they are, and writes what 1.x reads', async () => {
    const db = await connected()
    const store = new LegacyStore(db)
    const record = { ...live(), sid: 'ID1' }
    await new Promise((resolve) => db.save('session', 'ID1', record, resolve))
    const found = await call(store, 'get', 'ID1')
    expect(found).toEqual({ cookie: record.cookie, example: 'foo' })
    expect(found['sid']).toBe('ID1')
    await call(store, 'set', 'ID2', live())
    const written = await new Promise<object>((resolve) => db.read('session', 'ID2', (_error, value) => resolve(value!)))
    expect(written).toEqual({ ...live(), cookie: expect.anything(), sid: 'ID2' })
  })

  it('does not put sid into the session that it is given', async () => {
    const store = new LegacyStore(await connected())
    const given = live()
    await call(store, 'set', 'ID1', given)
    expect(Object.keys(given)).toEqual(['cookie', 'example'])
  })

  it('never lets browser sessions expire, and leaves them at a clean-up', async () => {
    const store = new LegacyStore(await connected())
    await call(store, 'set', 'ID1', { cookie: { expires: 0 }, example: 'foo' })
    await call(store, 'set', 'ID2', { cookie: { expires: null } })
    await call(store, 'cleanup')
    expect(await call(store, 'length')).toBe(2)
    expect((await call<SessionData>(store, 'get', 'ID1')).cookie.expires).toBe(0)
  })

  it('deletes at a clean-up by the key, not by the sid that a record has', async () => {
    const db = await connected()
    const store = new LegacyStore(db)
    await call(store, 'set', 'live', live())
    await new Promise((resolve) => db.save('session', 'copy', { ...expired(), sid: 'live' }, resolve))
    await call(store, 'cleanup')
    expect(await call(store, 'get', 'live')).not.toBeNull()
  })

  it('takes options too, and is the store of 2 then', async () => {
    const bank = new ReferenceBank()
    const store = new LegacyStore({ bank })
    expect(await call(store, 'get', 'ID1')).toBeNull()
    await store.set('ID1', sessionData())
    expect(Object.hasOwn((await store.get('ID1'))!, 'sid')).toBe(false)
    await store.close()
    await expect(store.get('ID1')).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
  })

  it('ends sessions with hashed ids as well, if it is given options', async () => {
    const store = new LegacyStore({ bank: new ReferenceBank(), hashIds: true })
    await store.set('sid', sessionData())
    await store.destroy('sid')
    expect(await store.get('sid')).toBeNull()
    await store.set('sid', sessionData())
    await call(store, 'destroy', 'sid')
    expect(await store.get('sid')).toBeNull()
  })

  it('makes sessions of the express-session that it is given, and a session stays ended for them as well', async () => {
    class Store {}
    Object.assign(Store.prototype, { createSession: (_request: object, data: object) => ({ ...data, theirs: true }) })
    const Theirs = storeClassFor({ Store } as never)
    const store = new Theirs(await connected())
    await call(store, 'set', 'ID1', live())
    const data = await call<SessionData>(store, 'get', 'ID1')
    const made = store.createSession({ sessionID: 'ID1' } as never, data)
    expect(made).toMatchObject({ example: 'foo', theirs: true })
    await call(store, 'destroy', 'ID1')
    await call(store, 'set', 'ID1', Object.assign(made, { late: 1 }))
    expect(await call(store, 'get', 'ID1')).toBeNull()
  })

  it('is a TypeError with a code for what is neither options nor a databank', () => {
    for (const wrong of [{}, undefined, null, 7]) {
      expect(() => new LegacyStore(wrong as never)).toThrow(expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }))
    }
  })
})

describe('close of the call of 1.x', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it('stops the clean-up and nothing else: later operations work, and the databank stays connected', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const db = Object.assign(await connected(), { disconnect: vi.fn() })
    const scan = vi.spyOn(db as Required<Databank>, 'scan')
    const store = new LegacyStore(db, null, 1_000)
    await vi.advanceTimersByTimeAsync(1)
    await turns(3)
    expect(scan).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1_000)
    await turns(3)
    expect(scan).toHaveBeenCalledTimes(2)
    expect(await store.close()).toBeUndefined()
    await vi.advanceTimersByTimeAsync(10_000)
    await turns(3)
    expect(scan).toHaveBeenCalledTimes(2)
    await call(store, 'set', 'ID1', live())
    expect(await call(store, 'get', 'ID1')).toMatchObject({ example: 'foo' })
    await call(store, 'cleanup')
    expect(scan).toHaveBeenCalledTimes(3)
    expect(db.disconnect).not.toHaveBeenCalled()
    await store.close()
  })

  it.each([undefined, null, 0])('has nothing to stop where cleanup is %s', async (cleanup) => {
    const store = new LegacyStore(await connected(), null, cleanup)
    expect(vi.getTimerCount()).toBe(0)
    await store.close()
  })
})

describe('the log of 1.x', () => {
  const open = async () => {
    const { log, records } = logger()
    const db = await connected()
    return { db, store: new LegacyStore(db, log), records }
  }
  const brief = (records: Record<string, unknown>[]) => records.map((each) => [each['level'], each['msg'], each['sid']])
  const details = (records: Record<string, unknown>[]) =>
    records.map(({ level, msg, sid, cid, err }) => ({
      level,
      msg,
      sid,
      cid: typeof cid,
      err: (err as Error | undefined)?.message,
    }))

  it('has its records in its order, with its fields', async () => {
    const { store, records } = await open()
    await call(store, 'set', 'ID1', live())
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

  it('tells of a clean-up session by session, under one cid, and of no queue', async () => {
    const { store, records } = await open()
    await call(store, 'set', 'live', live())
    await call(store, 'set', 'expired', expired())
    records.length = 0
    await call(store, 'cleanup')
    expect(brief(records)).toEqual([
      [20, 'Starting cleanup.', undefined],
      [20, 'Ignoring active session.', 'live'],
      [20, 'Deleting inactive session.', 'expired'],
      [20, 'Successfully deleted session.', 'expired'],
      [20, 'Finished cleaning up.', undefined],
    ])
    expect(new Set(records.map((each) => each['cid'])).size).toBe(1)
    expect(records[0]!['cid']).toEqual(expect.any(String))
  })

  it('says when an expired session was missing already, and nothing of sessions that were extended since the scan', async () => {
    const { db, store, records } = await open()
    for (const id of ['missing', 'extended']) await call(store, 'set', id, expired())
    const { del, read } = db
    db.read = (type, id, callback) =>
      id === 'extended' ? callback(null, { ...live(), sid: id }) : read.call(db, type, id, callback)
    db.del = (type, id, callback) => del.call(db, type, id, () => del.call(db, type, id, callback))
    records.length = 0
    await call(store, 'cleanup')
    db.del = del
    db.read = read
    await call(store, 'destroy', 'extended')
    expect(brief(records)).toEqual([
      [20, 'Starting cleanup.', undefined],
      [20, 'Deleting inactive session.', 'missing'],
      [20, 'Deleting inactive session.', 'extended'],
      [20, 'Missing inactive session on delete; ignoring.', 'missing'],
      [20, 'Finished cleaning up.', undefined],
      [20, 'Destroy for found session', 'extended'],
    ])
  })

  it.each([
    ['get', 'read', ['ID1']],
    ['set', 'save', ['ID1', live()]],
    ['destroy', 'del', ['ID1']],
    ['all', 'scan', []],
    ['length', 'scan', []],
    ['clear', 'scan', []],
  ] as const)(
    'has the failure of %s at error level, with the driver’s error, its text and the sid',
    async (method, failed, args) => {
      const { log, records } = logger()
      const store = new LegacyStore(failing(failed), log)
      await expect(call(store, method, ...args)).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
      expect(details(records)).toEqual([{ level: 50, msg: 'down', sid: args[0], cid: 'undefined', err: 'down' }])
      expect(records[0]).toMatchObject({ component: 'connect-databank' })
    },
  )

  it('has a scan that fails during a clean-up with the text and the fields of 1.x', async () => {
    const { log, records } = logger()
    await expect(call(new LegacyStore(failing('scan'), log), 'cleanup')).rejects.toThrow('down')
    expect(details(records.slice(1))).toEqual([
      { level: 50, msg: 'Error scanning sessions.', sid: undefined, cid: 'string', err: 'down' },
    ])
  })

  it('has a delete that fails during a clean-up with the text and the fields of 1.x; the others are deleted', async () => {
    const { db, store, records } = await open()
    for (const id of ['a', 'b', 'c']) await call(store, 'set', id, expired())
    const { del } = db
    db.del = (type, id, callback) => (id === 'b' ? callback(new Error('locked')) : del.call(db, type, id, callback))
    records.length = 0
    await expect(call(store, 'cleanup')).rejects.toThrow('locked')
    expect(details(records.filter((each) => (each['level'] as number) > 20))).toEqual([
      { level: 50, msg: 'Error deleting this session.', sid: 'b', cid: 'string', err: 'locked' },
    ])
    const left: unknown[] = []
    await new Promise((resolve) => db.scan!('session', (record) => left.push(record['sid']), resolve))
    expect(left).toEqual(['b'])
  })

  it('has a regular clean-up’s end and its failure with the texts of 1.x', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      for (const [db, expected] of [
        [await connected(), [20, 'Finished cleaning up sessions.', undefined]],
        [failing('scan'), [50, 'Error cleaning up sessions', undefined]],
      ] as const) {
        const { log, records } = logger()
        const store = new LegacyStore(db, log, 10)
        await vi.advanceTimersByTimeAsync(10)
        await turns(5)
        expect(brief(records)).toContainEqual(expected)
        await store.close()
      }
    } finally {
      vi.useRealTimers()
    }
  })

  it('may be a console or null, and may throw', async () => {
    const fail = () => {
      throw new Error('disk full')
    }
    const throwing = { debug: fail, info: fail, warn: fail, error: fail }
    const logs = [null, undefined, { debug() {}, info() {}, warn() {}, error() {} }, throwing, { ...throwing, child: fail }]
    for (const log of logs) {
      const store = new LegacyStore(await connected(), log as never)
      await call(store, 'set', 'ID1', live())
      await call(store, 'cleanup')
      expect(await call(store, 'length')).toBe(1)
    }
    await nextTurn()
  })
})
