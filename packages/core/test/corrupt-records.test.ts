import { badRecords } from '@connect-databank/conformance'
import { describe, expect, it, vi } from 'vitest'
import type { Bank } from '../src/bank.ts'
import { readRecord } from '../src/codec.ts'
import { fromDatabank } from '../src/databank/databank.ts'
import { Client, dataOf, gatedBank, MINUTE, nextTurn, ReferenceBank, sessionData, withScan } from './helpers.ts'

const KINDS: [string, string][] = [
  ['no JSON', '{'],
  ['null', 'null'],
  ['an array', '[]'],
  ['text', '"text"'],
  ['no cookie', '{"n":1}'],
  ['a cookie that is null', '{"cookie":null}'],
  ['a cookie that is an array', '{"cookie":[]}'],
  ['an expiry that is no date', '{"cookie":{"expires":"soon"}}'],
  ['an expiry beyond all dates', '{"cookie":{"expires":9e15}}'],
  ['objects that are nested too deeply to be written', `{"cookie":{},"deep":${'['.repeat(9_000)}${']'.repeat(9_000)}}`],
  ['a maxAge that is text', '{"cookie":{"maxAge":"long"}}'],
  ['an age beyond all dates', '{"cookie":{"originalMaxAge":1e300}}'],
  ['a path that is a number', '{"cookie":{"path":5}}'],
  ['a path that is an object', '{"cookie":{"path":{}}}'],
  ['a path that would end the field of the header', '{"cookie":{"path":"/; HttpOnly"}}'],
  ['a domain that is an object', '{"cookie":{"domain":{}}}'],
  ['a domain that would end the field of the header', '{"cookie":{"domain":"a.b; Secure"}}'],
  ['a domain that no header can hold', '{"cookie":{"domain":"a\\r\\nb"}}'],
  ['a sameSite that does not exist', '{"cookie":{"sameSite":"somewhere"}}'],
  ['a priority that is a number', '{"cookie":{"priority":1}}'],
  ['a cookie with a prototype of its own', '{"cookie":{"__proto__":{"path":"/"}}}'],
  ['the own keys of a live cookie', '{"cookie":{"_expires":"2030-01-01T00:00:00.000Z"}}'],
]

describe.each(KINDS)('a record that is no session (%s)', (_name, payload) => {
  it('counts as missing, with an event and a warning', async () => {
    const bank = new ReferenceBank()
    await bank.save('corrupt', { payload, expires: null })
    const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
    const client = new Client(bank, { log })
    const events = client.events()
    expect(await client.get('corrupt')).toBeNull()
    await nextTurn()
    expect(events).toEqual(['corrupt corrupt'])
    expect(log.warn).toHaveBeenCalledTimes(1)
    expect(await client.store.all()).toEqual([])
  })

  it.each([
    ['all capabilities', (bank: Bank) => bank],
    ['three methods and a scan', withScan],
  ])('spoils no operation on others, on a bank of %s', async (_bank, limit) => {
    const reference = new ReferenceBank()
    await reference.save('corrupt', { payload, expires: null })
    await reference.save('corrupt and expired', { payload, expires: Date.now() - 1 })
    const client = new Client(limit(reference), { owner: () => 'ada' })
    for (const n of [1, 2]) await client.set(`good${n}`, sessionData({ n }))
    await client.set('expired', sessionData({}, -1))
    const { store } = client
    expect((await store.all()).map(dataOf)).toEqual([{ n: 1 }, { n: 2 }])
    const streamed: unknown[] = []
    for await (const [id] of store.entries()) streamed.push(id)
    for await (const [id] of store.sessionsOf('ada')) streamed.push(id)
    expect(streamed).toEqual(['good1', 'good2', 'good1', 'good2'])
    await store.reindexOwners()
    await store.cleanup()
    expect(await reference.read('corrupt and expired')).toBeNull()
    expect(await reference.read('corrupt')).not.toBeNull()
    await store.clear()
    expect(await reference.count(Date.now())).toBe(0)
  })

  it('is replaced by a new session of its id, and by a save of one that was loaded before', async () => {
    const bank = new ReferenceBank()
    const client = new Client(bank)
    await client.set('sid', sessionData({ n: 1 }))
    const live = await client.load('sid')
    await bank.save('sid', { payload, expires: Date.now() + MINUTE })
    await client.set('sid', Object.assign(live, { n: 2 }))
    expect(dataOf(await client.get('sid'))).toEqual({ n: 2 })
    await bank.save('sid', { payload, expires: null })
    await client.set('sid', sessionData({ n: 3 }))
    expect(dataOf(await client.get('sid'))).toEqual({ n: 3 })
  })

  it('is left alone by the touch of a session that was loaded before', async () => {
    const bank = new ReferenceBank()
    const client = new Client(bank)
    await client.set('sid', sessionData({ n: 1 }))
    const live = await client.load('sid')
    await bank.save('sid', { payload, expires: null })
    live.cookie.path = '/other'
    await client.touch('sid', live)
    expect((await bank.read('sid'))?.payload).toBe(payload)
  })

  it('is left alone by touch and update', async () => {
    const bank = new ReferenceBank()
    await bank.save('sid', { payload, expires: null })
    const client = new Client(bank)
    await client.touch('sid', sessionData({}, 5 * MINUTE))
    expect(await client.store.update('sid', () => {})).toBeNull()
    expect((await bank.read('sid'))?.payload).toBe(payload)
  })
})

describe('any record', () => {
  it('is served by get and by express-session’s own classes, or counts as missing', async () => {
    const bank = new ReferenceBank()
    const client = new Client(bank)
    const request = { sessionID: 'sid', sessionStore: client.store }
    for (const { name, payload } of badRecords()) {
      await bank.save('sid', { payload, expires: null })
      const found = await client.get('sid')
      if (found === null) continue
      const live = client.store.createSession(request as never, found) as unknown as { resetMaxAge(): void }
      live.resetMaxAge()
      expect(() => JSON.stringify(live), name).not.toThrow()
    }
  })

  it('that says why it is no session counts as missing, with the reason in the event', async () => {
    const reference = new ReferenceBank()
    await reference.save('sid', { payload: JSON.stringify(sessionData()), expires: null })
    const read: Bank['read'] = async (id) => ({ ...(await reference.read(id))!, corrupt: 'the column is no JSON' })
    const client = new Client({ ...withScan(reference), read })
    const reasons: string[] = []
    client.store.on('corrupt', ({ reason }) => reasons.push(reason))
    expect(await client.get('sid')).toBeNull()
    await nextTurn()
    expect(reasons).toEqual(['the column is no JSON'])
  })

  it('that says why it is no session counts as missing with encryption too, although it can be decrypted', async () => {
    const reference = new ReferenceBank()
    const encryption = { keys: [Buffer.alloc(32)] }
    await new Client(reference, { encryption }).set('sid', sessionData())
    const read: Bank['read'] = async (id) => ({ ...(await reference.read(id))!, expires: null, corrupt: 'the expiry is no date' })
    const client = new Client({ ...withScan(reference), read }, { encryption })
    const reasons: string[] = []
    client.store.on('corrupt', ({ reason }) => reasons.push(reason))
    expect(await client.get('sid')).toBeNull()
    await nextTurn()
    expect(reasons).toEqual(['the expiry is no date'])
  })

  it.each(['my_app.local', 'localhost:3000', 'b\u00fccher.example'])(
    'whose cookie has a domain that only an older express-session sends is a session: %s',
    async (domain) => {
      const bank = new ReferenceBank()
      await bank.save('sid', { payload: JSON.stringify({ cookie: { path: '/', domain }, n: 1 }), expires: null })
      expect(dataOf(await new Client(bank).get('sid'))).toEqual({ n: 1 })
    },
  )

  it('with a cookie for as long as the browser runs, as express-session writes it, is a session', async () => {
    const bank = new ReferenceBank()
    await bank.save('sid', { payload: '{"cookie":{"originalMaxAge":false,"expires":false,"path":"/"},"n":1}', expires: null })
    expect(dataOf(await new Client(bank).get('sid'))).toEqual({ n: 1 })
  })

  it('with a key __proto__ changes no prototype, and is kept', async () => {
    const bank = new ReferenceBank()
    await bank.save('sid', { payload: '{"cookie":{},"__proto__":{"polluted":1},"n":1}', expires: null })
    const client = new Client(bank)
    const [first, second] = [await client.load('sid'), await client.load('sid')]
    first['a'] = 1
    second['b'] = 2
    await client.set('sid', first)
    await client.set('sid', second)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(dataOf(await client.get('sid'))).toMatchObject({ n: 1, a: 1, b: 2 })
  })
})

describe('a record of a databank driver', () => {
  const cyclic: Record<string, unknown> = { cookie: {} }
  cyclic['self'] = cyclic
  const records: [string, unknown][] = [
    ['null', null],
    ['text', 'text'],
    ['without a sid or cookie', {}],
    ['without a cookie', { sid: 'odd' }],
    ['with a BigInt', { sid: 'odd', cookie: {}, n: 1n }],
    ['with a cycle', { ...cyclic, sid: 'odd' }],
    ['with a toJSON that gives nothing', { sid: 'odd', cookie: {}, toJSON: () => undefined }],
    ['with a payload that is no session', { sid: 'odd', __payload: 'x' }],
    ['with an expiry that is text', { sid: 'odd', cookie: { expires: 'soon' } }],
  ]

  it.each(records)('that is no session (%s) counts as missing, and spoils no operation on others', async (_name, odd) => {
    const good = { sid: 'good', ...sessionData({ n: 1 }) }
    const client = new Client(
      fromDatabank({
        read: (_type, id, callback) => callback(null, (id === 'good' ? good : odd) as never),
        save: (_type, _id, _value, callback) => callback(null),
        del: (_type, _id, callback) => callback(null),
        scan: (_type, onResult, callback) => {
          onResult(odd as never)
          onResult(good)
          callback(null)
        },
      }),
    )
    expect(await client.get('odd')).toBeNull()
    expect(dataOf(await client.get('good'))).toEqual({ n: 1 })
    expect((await client.store.all()).map(dataOf)).toEqual([{ n: 1 }])
    expect(await client.store.length()).toBe(1)
    await client.store.cleanup()
    await client.store.clear()
  })
})

it('a corrupt record is read once for one get', async () => {
  const bank = gatedBank(new ReferenceBank())
  await bank.save('sid', { payload: '{', expires: null })
  await new Client(bank).get('sid')
  expect(bank.calls('read')).toBe(1)
})

describe('what readRecord makes of a record', () => {
  const created = Date.now() - MINUTE
  const expires = Date.now() + MINUTE

  it('is the session, with the expiry of the entry, and when it was created', () => {
    const { cookie } = sessionData()
    const payload = JSON.stringify({ cookie, user: 'ada', __databank: { created } })
    const record = readRecord({ payload, expires })
    expect(record).toEqual({ session: { cookie: { ...cookie, expires: new Date(expires).toISOString() }, user: 'ada' }, created })
    expect(readRecord({ payload: JSON.stringify({ cookie }), expires })).toMatchObject({ created: undefined })
  })

  it.each(KINDS)('is null for %s', (_name, payload) => {
    expect(readRecord({ payload, expires })).toBeNull()
  })

  it('is null for what the bank knows to be corrupt', () => {
    expect(readRecord({ payload: JSON.stringify(sessionData()), expires, corrupt: 'changed' })).toBeNull()
  })
})

it('a corrupt record under a plain id is not moved to the hashed id, where it would be encrypted twice', async () => {
  const [old, newest] = ['a'.repeat(64), 'b'.repeat(64)] as const
  const bank = new ReferenceBank()
  await new Client(bank, { encryption: { keys: [old] } }).set('sid', sessionData({ n: 1 }))
  const before = await bank.read('sid')

  const hashIds = { acceptPlain: true }
  expect(await new Client(bank, { encryption: { keys: [newest] }, hashIds }).get('sid')).toBeNull()
  expect(await bank.read('sid')).toEqual(before)
  expect(await new Client(bank, { encryption: { keys: [newest, old] }, hashIds }).get('sid')).toMatchObject({ n: 1 })
})
