import { createRequire } from 'node:module'
import { bankConformance } from '@connect-databank/conformance'
import { describe, expect, it, vi } from 'vitest'
import type { Bank } from '../src/bank.ts'
import { type Databank, fromDatabank, isDatabank } from '../src/databank/databank.ts'
import { Client, dataOf, nextTurn, sessionData } from './helpers.ts'

const { Databank: databank } = createRequire(import.meta.url)('databank')

/** databank's memory driver, connected. Its tables are plain objects: a key such as `toString` is there before it is saved. */
async function memoryDriver(): Promise<Databank> {
  const db = databank.get('memory', { schema: { session: { pkey: 'sid' } } })
  await new Promise<void>((resolve, reject) => db.connect({}, (error: unknown) => (error ? reject(error) : resolve())))
  const { types } = db as { types: Record<string, object> }
  types['session'] = Object.create(null)
  return db
}

bankConformance(
  { describe, it },
  {
    open: async () => {
      const db = await memoryDriver()
      const bank = fromDatabank(db)
      return { bank, another: async () => fromDatabank(db), close: async () => bank.close?.() }
    },
  },
)

const entry = { payload: '{"cookie":{"expires":"2030-01-01T00:00:00.000Z"},"n":1}', expires: Date.UTC(2030, 0), owner: null }

const read = (db: Databank, id: string): Promise<object | undefined> =>
  new Promise((resolve) => db.read('session', id, (_error, value) => resolve(value)))

/** A driver each of whose methods answers like this. */
function driver(answer: (callback: (error: Error | null, value?: unknown) => void) => void): Databank {
  const method = (...args: unknown[]) => answer(args.at(-1) as never)
  return { read: method, save: method, del: method, scan: method } as unknown as Databank
}

const named = (name: string) => Object.assign(new Error(name), { name })

async function idsIn(bank: Bank): Promise<string[]> {
  const ids: string[] = []
  for await (const [id] of bank.scan!()) ids.push(id)
  return ids
}

describe('any databank driver', () => {
  it('says by the name of its error what is missing, whichever copy of databank has made it', async () => {
    const bank = fromDatabank(driver((callback) => callback(named('NoSuchThingError'))))
    expect(await bank.read('sid')).toBeNull()
    expect(await bank.delete('sid')).toBe(false)
    expect(await idsIn(bank)).toEqual([])
  })

  it.each([
    ['fails', (error: Error) => driver((callback) => callback(error))],
    [
      'throws',
      (error: Error) =>
        driver(() => {
          throw error
        }),
    ],
  ])('that %s rejects with a code', async (_name, make) => {
    for (const [error, code] of [
      [named('NotConnectedError'), 'DATABANK_UNAVAILABLE'],
      [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'DATABANK_UNAVAILABLE'],
      [named('WrongTypeError'), 'DATABANK_BACKEND_FAILED'],
    ] as const) {
      const bank = fromDatabank(make(error))
      const failed = { code, cause: error }
      await expect(bank.read('sid')).rejects.toMatchObject(failed)
      await expect(bank.save('sid', entry)).rejects.toMatchObject(failed)
      await expect(bank.delete('sid')).rejects.toMatchObject(failed)
      await expect(idsIn(bank)).rejects.toMatchObject(failed)
    }
  })

  it('that answers twice has answered once', async () => {
    const bank = fromDatabank(
      driver((callback) => {
        callback(null, { cookie: {} })
        callback(new Error('again'))
      }),
    )
    expect((await bank.read('sid'))?.payload).toBe('{"cookie":{}}')
  })

  it('takes any number of operations at once, as with 1.x', async () => {
    const waiting: (() => void)[] = []
    const bank = fromDatabank(driver((callback) => waiting.push(() => callback(null, { cookie: {} }))))
    const reads = Array.from({ length: 20_000 }, () => bank.read('sid'))
    await nextTurn()
    for (const answer of waiting) answer()
    expect(await Promise.all(reads)).toHaveLength(20_000)
  })

  it('that answers null for a missing record is understood', async () => {
    expect(await fromDatabank(driver((callback) => callback(null, null))).read('sid')).toBeNull()
  })

  it('without scan is a bank without scan', () => {
    const { scan: _, ...db } = driver(() => {})
    expect(fromDatabank(db as Databank).scan).toBeUndefined()
  })

  it('has its records streamed while its scan goes on, without those that are no sessions', async () => {
    const steps: (() => void)[] = []
    const bank = fromDatabank({
      ...driver(() => {}),
      scan: (_type, onResult, done) => {
        steps.push(() => onResult({ sid: 'a', cookie: {} }))
        steps.push(() => onResult(null as never))
        steps.push(() => onResult({ cookie: {} }))
        steps.push(() => onResult({ sid: 'b', cookie: {} }))
        steps.push(() => done(null))
      },
    })
    const iterator = bank.scan!()[Symbol.asyncIterator]()
    const first = iterator.next()
    await nextTurn()
    steps.shift()!()
    expect((await first).value?.[0]).toBe('a')
    for (const step of steps) step()
    expect((await iterator.next()).value?.[0]).toBe('b')
    expect((await iterator.next()).done).toBe(true)
  })

  it('that gives a record after the end of its scan has ended', async () => {
    let late: (value: Record<string, unknown>) => void = () => {}
    const bank = fromDatabank({
      ...driver(() => {}),
      scan: (_type, onResult, done) => {
        late = onResult
        onResult({ sid: 'a', cookie: {} })
        done(null)
      },
    })
    const ids: string[] = []
    for await (const [id] of bank.scan!()) {
      ids.push(id)
      late({ sid: 'late', cookie: {} })
    }
    late({ sid: 'later', cookie: {} })
    await nextTurn()
    expect(ids).toEqual(['a'])
  })

  it('whose scan fails has the records of before', async () => {
    const bank = fromDatabank({
      ...driver(() => {}),
      scan: (_type, onResult, done) => {
        onResult({ sid: 'a', cookie: {} })
        done(new Error('down'))
      },
    })
    const iterator = bank.scan!()[Symbol.asyncIterator]()
    expect((await iterator.next()).value?.[0]).toBe('a')
    await expect(iterator.next()).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
  })
})

describe('records', () => {
  it('are what 1.x writes: the session and its sid', async () => {
    const db = await memoryDriver()
    await fromDatabank(db).save('sid', entry)
    expect(await read(db, 'sid')).toEqual({ cookie: { expires: '2030-01-01T00:00:00.000Z' }, n: 1, sid: 'sid' })
  })

  it.each([
    ['an expiry that differs from the cookie’s', { ...entry, expires: 7 }],
    ['no expiry where the cookie has one', { ...entry, expires: null }],
    ['an owner', { ...entry, owner: 'ada' }],
    ['text that is no JSON', { payload: 'x', expires: null, owner: null }],
    ['white space', { payload: '{ "cookie": {} }', expires: 5, owner: null }],
    ['a sid of another', { payload: '{"cookie":{},"sid":"other"}', expires: null, owner: null }],
    ['our own field names', { payload: '{"cookie":{},"__expires":1,"__payload":"x","__owner":"y"}', expires: null, owner: 'z' }],
    ['a key named __proto__', { payload: '{"cookie":{},"__proto__":{"a":1}}', expires: null, owner: null }],
  ])('keep %s', async (_name, odd) => {
    const bank = fromDatabank(await memoryDriver())
    await bank.save('sid', odd)
    expect(await bank.read('sid')).toEqual(odd)
  })
})

/**
 * What databank-mongodb stores of a record: it takes `_id` for its own, and its client drops `_id`, `_s` and what has a `_bsontype` in
 * sub-objects.
 */
function lossy(value: unknown, isTop = true): unknown {
  if (Array.isArray(value)) return value.map((each) => lossy(each, false))
  if (typeof value !== 'object' || value === null) return value
  if (!isTop && '_bsontype' in value) return undefined
  const kept = Object.entries(value).filter(([name]) => name !== '_id' && name !== '_s')
  return Object.fromEntries(kept.map(([name, each]) => [name, lossy(each, false)]))
}

describe('data that databank-mongodb loses', () => {
  const lossyDriver = (): Databank => {
    const records = new Map<string, object>()
    return {
      read: (_type, id, callback) => {
        const record = records.get(id)
        if (record === undefined) callback(named('NoSuchThingError'))
        else callback(null, structuredClone(record) as never)
      },
      save: (_type, id, value, callback) => {
        records.set(id, structuredClone(lossy(value)) as object)
        callback(null)
      },
      del: (_type, id, callback) => callback(records.delete(id) ? null : named('NoSuchThingError')),
      scan: (_type, onResult, callback) => {
        for (const record of records.values()) onResult(structuredClone(record) as never)
        callback(null)
      },
    }
  }

  it.each([
    ['_id', { cart: { _id: '5f', items: [{ _id: 1, n: 2 }] } }],
    ['_id at the top', { _id: 'own' }],
    ['_s', { deep: [[{ _s: { a: 1 } }]] }],
    ['_bsontype', { ref: { _bsontype: 'ObjectID', id: 'abc' }, n: 1 }],
    ['such a key in a key with quotes', { '"_id"': { _s: 1 } }],
  ])('is kept: %s', async (_name, data) => {
    const client = new Client(fromDatabank(lossyDriver()))
    await client.set('sid', sessionData(data))
    expect(dataOf(await client.get('sid'))).toEqual(data)
    const live = await client.load('sid')
    await client.set('sid', Object.assign(live, { more: 1 }))
    expect((await client.store.all()).map(dataOf)).toEqual([{ ...data, more: 1 }])
  })

  it('leaves the form of other records alone: text that only mentions the keys', async () => {
    const db = lossyDriver()
    const data = { text: '"_id": 1, {"_s":2}', path_id: 1, _idx: 2 }
    await new Client(fromDatabank(db)).set('sid', sessionData(data))
    expect(await read(db, 'sid')).toMatchObject({ ...data, sid: 'sid' })
  })
})

describe('a driver by name', () => {
  it('is connected on first use and closed', async () => {
    const bank = fromDatabank('memory', {})
    await bank.save('sid', entry)
    expect(await bank.read('sid')).toEqual(entry)
    await bank.close!()
    await expect(bank.read('sid')).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
    await expect(idsIn(bank)).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
  })

  it('that is missing says what to install', () => {
    expect(() => fromDatabank('nowhere', {})).toThrow(
      expect.objectContaining({
        code: 'DATABANK_MISSING_PACKAGE',
        message: expect.stringContaining('npm install databank databank-nowhere'),
      }),
    )
  })

  it.each([undefined, null, {}, 7, { read() {}, save() {}, delete() {} }])('%o is neither a driver nor a name', (value) => {
    expect(() => fromDatabank(value as never)).toThrow(expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }))
    expect(isDatabank(value)).toBe(false)
  })
})

describe('a databank that was handed in', () => {
  it('is neither connected nor disconnected', async () => {
    const db = Object.assign(
      driver((callback) => callback(null)),
      { connect: vi.fn(), disconnect: vi.fn() },
    )
    const bank = fromDatabank(db)
    await bank.open!()
    await bank.save('sid', entry)
    await bank.close!()
    expect([db.connect.mock.calls, db.disconnect.mock.calls]).toEqual([[], []])
  })
})
