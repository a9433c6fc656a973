import { createRequire } from 'node:module'
import { bankConformance } from '@connect-databank/conformance'
import { describe, expect, it } from 'vitest'
import { type Databank, fromDatabank } from '../src/databank.ts'

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

const entry = { payload: '{"cookie":{"expires":"2030-01-01T00:00:00.000Z"},"n":1}', expires: Date.UTC(2030, 0) }

/** A driver whose every method answers so. */
function driver(answer: (callback: (error: Error | null, value?: unknown) => void) => void): Databank {
  const method = (...args: unknown[]) => answer(args.at(-1) as never)
  return { read: method, save: method, del: method, scan: method } as unknown as Databank
}

const named = (name: string) => Object.assign(new Error(name), { name })
const list = async (bank: ReturnType<typeof fromDatabank>) => {
  const ids: string[] = []
  for await (const [id] of bank.scan!()) ids.push(id)
  return ids
}

describe('any databank driver', () => {
  it('tells what is missing by the error’s name, whatever copy of databank made it', async () => {
    const bank = fromDatabank(driver((callback) => callback(named('NoSuchThingError'))))
    expect(await bank.read('sid')).toBeNull()
    expect(await bank.delete('sid')).toBe(false)
    expect(await list(bank)).toEqual([])
  })

  it.each([
    ['fails', driver((callback) => callback(named('NotConnectedError')))],
    [
      'throws',
      driver(() => {
        throw named('NotConnectedError')
      }),
    ],
  ])('that %s rejects with a code', async (_name, db) => {
    const bank = fromDatabank(db)
    const failed = { code: 'DATABANK_BACKEND_FAILED', cause: { name: 'NotConnectedError' } }
    await expect(bank.read('sid')).rejects.toMatchObject(failed)
    await expect(bank.save('sid', entry)).rejects.toMatchObject(failed)
    await expect(bank.delete('sid')).rejects.toMatchObject(failed)
    await expect(list(bank)).rejects.toMatchObject(failed)
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

  it('that gives null for what is missing is understood', async () => {
    expect(await fromDatabank(driver((callback) => callback(null, null))).read('sid')).toBeNull()
  })

  it('without scan is a bank without scan', () => {
    const { scan: _, ...db } = driver(() => {})
    expect(fromDatabank(db as Databank).scan).toBeUndefined()
  })

  it('streams what a scan gives while it goes on, and skips what is no session', async () => {
    const step: (() => void)[] = []
    const bank = fromDatabank({
      ...driver(() => {}),
      scan: (_type, onResult, done) => {
        step.push(() => onResult({ sid: 'a', cookie: {} }))
        step.push(() => onResult(null as never))
        step.push(() => onResult({ cookie: {} }))
        step.push(() => onResult({ sid: 'b', cookie: {} }))
        step.push(() => done(null))
      },
    })
    const iterator = bank.scan!()[Symbol.asyncIterator]()
    const first = iterator.next()
    await new Promise((resolve) => setImmediate(resolve))
    step.shift()!()
    expect((await first).value?.[0]).toBe('a')
    for (const next of step) next()
    expect((await iterator.next()).value?.[0]).toBe('b')
    expect((await iterator.next()).done).toBe(true)
  })
})

describe('records', () => {
  it('are what 1.x wrote: the session and its sid', async () => {
    const db = await memoryDriver()
    await fromDatabank(db).save('sid', entry)
    const record = await new Promise((resolve) => db.read('session', 'sid', (_error, value) => resolve(value)))
    expect(record).toEqual({ cookie: { expires: '2030-01-01T00:00:00.000Z' }, n: 1, sid: 'sid' })
  })

  it.each([
    ['a death that the cookie does not name', { ...entry, expires: 7 }],
    ['no death where the cookie names one', { ...entry, expires: null }],
    ['text that is no JSON', { payload: 'x', expires: null }],
    ['white space', { payload: '{ "cookie": {} }', expires: 5 }],
    ['a sid of another', { payload: '{"cookie":{},"sid":"other"}', expires: null }],
    ['our own field names', { payload: '{"cookie":{},"__expires":1,"__payload":"x"}', expires: null }],
    ['a key named __proto__', { payload: '{"cookie":{},"__proto__":{"a":1}}', expires: null }],
  ])('keep %s', async (_name, odd) => {
    const bank = fromDatabank(await memoryDriver())
    await bank.save('sid', odd)
    expect(await bank.read('sid')).toEqual(odd)
  })
})

describe('a driver by name', () => {
  it('is connected on first use and closed', async () => {
    const bank = fromDatabank('memory', {})
    await bank.save('sid', entry)
    expect(await bank.read('sid')).toEqual(entry)
    await bank.close!()
    await expect(bank.read('sid')).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
  })

  it('says what to install where it is missing', () => {
    expect(() => fromDatabank('nowhere', {})).toThrow(
      expect.objectContaining({
        code: 'DATABANK_MISSING_PACKAGE',
        message: expect.stringContaining('npm install databank databank-nowhere'),
      }),
    )
  })

  it.each([undefined, null, {}, 7])('%o is neither', (value) => {
    expect(() => fromDatabank(value as never)).toThrow(expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }))
  })
})
