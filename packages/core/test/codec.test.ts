import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { SessionData } from 'express-session'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { extend } from '../src/bank.ts'
import { Client, dataOf, gatedBank, MINUTE, ReferenceBank, sessionData } from './helpers.ts'

/** Every object in it, itself included. */
function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(objectsIn)]
}

const { cookie } = sessionData()

/** A client, and a record of this text that another program has written. Sessions of a local bank are kept parsed. */
async function withRecord(data: string, isLocal = true) {
  const bank = gatedBank(new ReferenceBank())
  const payload = `{"cookie":${JSON.stringify(cookie)}${data === '' ? '' : `,${data}`}}`
  await bank.save('sid', { payload, expires: Date.now() + MINUTE })
  return { bank, client: new Client(extend(bank, { isLocal })), payload }
}

const names = fc
  .oneof(
    fc.constantFrom('a', 'b', '7', '"', '\\', '\\"', 'é', '', 'toString', 'constructor', '__proto__'),
    fc.string({ maxLength: 3 }),
  )
  .filter((name) => name !== 'cookie' && name !== 'toJSON')
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(null, true, 0, -0, 1.5, '', 'a"b\\', '\ud800', undefined, Number.NaN, new Date(0)),
    fc.string({ maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))
const members = fc.dictionary(names, value, { maxKeys: 5, noNullPrototype: true })

describe.each([
  ['local', true],
  ['other', false],
])('a session of a bank that is %s', (_name, isLocal) => {
  const newBank = () => extend(new ReferenceBank(), { isLocal })

  it('comes back as JSON.parse gives what JSON.stringify has made of it, each time', async () => {
    const client = new Client(newBank())
    await fc.assert(
      fc.asyncProperty(members, async (data) => {
        await client.set('sid', { ...data, cookie })
        for (let time = 0; time < 3; time++) {
          const found = await client.get('sid')
          expect(JSON.stringify({ ...found, cookie })).toBe(
            JSON.stringify({ cookie, ...JSON.parse(JSON.stringify({ ...data })) }),
          )
        }
      }),
      { numRuns: 200 },
    )
  })

  it('that is changed in any way is stored as JSON.stringify writes it', async () => {
    const client = new Client(newBank())
    await fc.assert(
      fc.asyncProperty(members, members, fc.array(names, { maxLength: 2 }), async (data, changes, removed) => {
        await client.set('sid', { ...data, cookie })
        const live = await client.load('sid')
        for (const name of removed) delete live[name]
        for (const name of Object.keys(changes)) {
          Object.defineProperty(live, name, { value: changes[name], enumerable: true, configurable: true, writable: true })
        }
        const expected = JSON.parse(JSON.stringify(live))
        await client.set('sid', live)
        expect({ ...(await client.get('sid')), cookie }).toEqual({ ...expected, cookie })
      }),
      { numRuns: 200 },
    )
  })

  it('keeps the order of its members', async () => {
    const { client } = await withRecord('"z":1,"a":{"y":[{"b":2,"a":3}],"x":4}', isLocal)
    for (let time = 0; time < 3; time++) {
      expect(JSON.stringify(dataOf(await client.get('sid')))).toBe('{"z":1,"a":{"y":[{"b":2,"a":3}],"x":4}}')
    }
  })

  it('has a member named __proto__ as data, at any depth', async () => {
    const text = '"__proto__":{"isAdministrator":true},"inner":{"__proto__":[{"a":1}]}'
    const { client } = await withRecord(text, isLocal)
    for (let time = 0; time < 3; time++) {
      const found = (await client.get('sid')) as SessionData & Record<string, unknown>
      expect(Object.getPrototypeOf(found)).toBe(Object.prototype)
      expect(found['isAdministrator']).toBeUndefined()
      expect(JSON.stringify(found)).toContain(text)
    }
  })

  it('is never the same object, nor has one in common, for two callers', async () => {
    const { client } = await withRecord('"a":{"b":[{"c":[[]]}]},"d":[{}],"__proto__":{"e":{}}', isLocal)
    const all: object[] = []
    for (let time = 0; time < 4; time++) all.push(...objectsIn(await client.get('sid')))
    all.push(...objectsIn(await client.store.all()).filter((each) => !Array.isArray(each) || each.length !== 1))
    expect(new Set(all).size).toBe(all.length)
  })

  it('is not changed by what callers do to the one that they got', async () => {
    const { client } = await withRecord('"list":[1,{"deep":true}],"name":"a"', isLocal)
    for (let time = 0; time < 3; time++) {
      const found = (await client.get('sid')) as unknown as SessionData & {
        list: [number, { deep: boolean }, ...number[]]
        name?: string
      }
      expect(dataOf(found)).toEqual({ list: [1, { deep: true }], name: 'a' })
      found.list[1].deep = false
      found.list.push(2)
      found.cookie.path = '/changed'
      delete found.name
    }
    expect((await client.get('sid'))?.cookie.path).toBe('/')
  })

  it('is what is stored now, whatever was read under its id before', async () => {
    const { bank, client, payload } = await withRecord('"a":1', isLocal)
    const put = (text: string) => bank.save('sid', { payload: text, expires: null })
    expect(dataOf(await client.get('sid'))).toEqual({ a: 1 })
    await put(payload.replace('"a":1', '"a":2'))
    expect(dataOf(await client.get('sid'))).toEqual({ a: 2 })
    await put(payload)
    expect(dataOf(await client.get('sid'))).toEqual({ a: 1 })
    await put('{"a":')
    expect(await client.get('sid')).toBeNull()
  })

  it('has no member of an Object.prototype that somebody has extended', async () => {
    const { client } = await withRecord('"a":{"b":1}', isLocal)
    const seen: (string | object)[] = []
    const intruder = { value: { a: 1 }, enumerable: true, configurable: true, writable: true }
    Object.defineProperty(Object.prototype, 'intruder', intruder)
    try {
      for (let time = 0; time < 3; time++) {
        const found = (await client.get('sid'))!
        for (const each of [found, found.cookie, found['a'] as object]) seen.push(Object.keys(each).join())
      }
    } catch (error) {
      seen.push(error as Error)
    } finally {
      delete (Object.prototype as { intruder?: unknown }).intruder
    }
    const once = ['cookie,a', Object.keys(cookie).join(), 'b']
    expect(seen).toEqual([...once, ...once, ...once])
  })

  it('has the last of two members of one name, as JSON.parse does', async () => {
    const { client } = await withRecord('"a":1,"a":[2]', isLocal)
    expect(dataOf(await client.get('sid'))).toEqual({ a: [2] })
    await client.set('sid', Object.assign(await client.load('sid'), { n: 1 }))
    expect(dataOf(await client.get('sid'))).toEqual({ a: [2], n: 1 })
  })
})

// biome-ignore lint/suspicious/noExplicitAny: tests change anything in it.
type Sample = Record<string, any>

describe('a change of a loaded session', () => {
  const TEXT = '"rows":[{"n":1},{"n":2}],"list":[1,[2],3],"flat":{"a":1,"b":2},"deep":{"inner":{"x":1},"z":[]}'

  it.each<[string, (session: Sample) => unknown]>([
    ['a value deep inside', (session) => (session['rows'][1].n = 3)],
    ['one item more', (session) => session['rows'].push({ n: 3 })],
    ['one item less', (session) => session['list'].pop()],
    ['one name more', (session) => (session['deep'].inner.more = 1)],
    ['one name less', (session) => delete session['rows'][0].n],
    ['another order of names', (session) => (session['flat'] = { b: 2, a: 1 })],
    ['undefined in place of a value', (session) => (session['flat'].a = undefined)],
    ['a hole', (session) => delete session['list'][0]],
    ['a number that JSON cannot write', (session) => (session['flat'].a = Number.POSITIVE_INFINITY)],
    ['an object with a toJSON', (session) => (session['deep'].inner.toJSON = () => 'itself')],
    ['an object of another class', (session) => (session['flat'] = new Map([['a', 1]]))],
    [
      'an array with a toJSON',
      (session) => Object.setPrototypeOf(session['list'], { __proto__: Array.prototype, toJSON: () => 1 }),
    ],
    ['a boxed value', (session) => (session['flat'].a = Object(1))],
    ['a function in place of an object', (session) => (session['deep'] = () => 1)],
    ['a member whose toJSON gets its name', (session) => (session['flat'] = { toJSON: (name: string) => name })],
  ])('(%s) is stored as JSON.stringify writes it', async (_, change) => {
    const { bank, client } = await withRecord(TEXT)
    const live = await client.load('sid')
    change(live)
    const expected = JSON.stringify({ ...live, cookie: undefined })
    await client.set('sid', live)
    expect(JSON.stringify(dataOf(await client.get('sid')))).toBe(expected)
    expect(bank.calls('swap')).toBe(expected === `{${TEXT}}` ? 0 : 1)
  })

  it('by a toJSON of the session itself is what this returns', async () => {
    const { client } = await withRecord(TEXT)
    const live = await client.load('sid')
    Object.defineProperty(live, 'toJSON', { value: () => ({ cookie: live.cookie, other: true }) })
    await client.set('sid', live)
    expect(dataOf(await client.get('sid'))).toEqual({ other: true })
  })

  it('is none where only the cookie is another object with the same fields', async () => {
    const { bank, client } = await withRecord(TEXT)
    const live = await client.load('sid')
    live.cookie = { ...JSON.parse(JSON.stringify(live.cookie)) }
    await client.set('sid', live)
    expect(bank.calls('swap')).toBe(0)
  })
})

describe('a session that cannot be stored', () => {
  const cycle: Record<string, unknown> = { ...sessionData() }
  cycle['self'] = cycle
  const withToJson = (result: unknown) =>
    Object.defineProperty(sessionData({ n: 2 }), 'toJSON', { value: () => result, enumerable: false })
  const throwing = () => {
    throw new Error('no')
  }
  const deep = (levels: number) => sessionData({ deep: JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`) })

  it.each<[string, unknown]>([
    ['a BigInt', { ...sessionData(), n: 1n }],
    ['a cycle', cycle],
    ['no cookie', { n: 1 }],
    ['a cookie that is text', { cookie: 'x' }],
    ['a cookie that is an array', { cookie: [] }],
    ['an expiry that is no date', { ...sessionData(), cookie: { expires: 'no date' } }],
    ['a BigInt in the cookie', { cookie: { path: '/', size: 1n } }],
    ['a cookie whose toJSON throws', { cookie: { toJSON: throwing } }],
    ['a cookie that express-session cannot send', { cookie: { path: '/', sameSite: 'laxx' } }],
    ['nothing', undefined],
    ['null', null],
    ['a toJSON that returns text', withToJson('text')],
    ['a toJSON that returns text that looks like an object', withToJson('{"cookie":{}}')],
    ['a toJSON that returns a number', withToJson(5)],
    ['a toJSON that returns an array', withToJson([1])],
    ['a toJSON that returns null', withToJson(null)],
    ['a toJSON that returns undefined', withToJson(undefined)],
    ['a toJSON that returns a function', withToJson(() => ({}))],
    ['objects that are nested too deeply for JSON', deep(50_000)],
    ['objects that are nested too deeply to be read again', deep(2_500)],
  ])('(%s) is refused, and the stored one is unharmed', async (_name, data) => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData({ old: true }))
    await expect(client.set('sid', data as never)).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
    expect(dataOf(await client.get('sid'))).toEqual({ old: true })
  })

  it('is refused for its cookie, though one that is nearly the same was stored before', async () => {
    const client = new Client(new ReferenceBank())
    const cookie = { path: '/', domain: 'example.org', priority: 'high' }
    await client.set('sid', { cookie, n: 1 } as never)
    for (const wrong of [
      { domain: 'a;b' },
      { priority: 'urgent' },
      { path: '/ä€' },
      { sameSite: 'laxx' },
      { originalMaxAge: 1e300 },
    ]) {
      const changed = { ...cookie, ...wrong }
      await expect(client.set('sid', { cookie: changed } as never)).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
    }
    cookie.domain = 'a;b'
    await expect(client.set('sid', { cookie } as never)).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })

  it.each([
    ['text', 'text'],
    ['a number', 5],
    ['an array', [1]],
    ['null', null],
    ['undefined', undefined],
  ])('since a loaded session has a toJSON that returns %s, is refused too', async (_name, result) => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData({ old: true }))
    const live = await client.load('sid')
    Object.defineProperty(live, 'toJSON', { value: () => result, enumerable: false })
    await expect(client.set('sid', live)).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
    expect(dataOf(await client.get('sid'))).toEqual({ old: true })
  })
})

describe('a session with thousands of members', () => {
  const membersOf = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, { n: index }]))

  /** How many steps are made on a session with so many members while it is saved: each step is a call of the proxy. */
  async function stepsOf(count: number, save: (client: Client, session: SessionData) => Promise<unknown>): Promise<number> {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData(membersOf(count)))
    let steps = 0
    const counting = Object.fromEntries(
      (['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor'] as const).map((trap) => [
        trap,
        (...args: [never]) => {
          steps++
          return (Reflect[trap] as (...args: unknown[]) => unknown)(...args)
        },
      ]),
    )
    const found = (await client.get('sid'))!
    await save(client, new Proxy(found, counting))
    return steps
  }

  it.each<[string, (client: Client, session: SessionData) => Promise<unknown>]>([
    ['saved without a change', (client, session) => client.set('sid', session)],
    ['saved with a change', (client, session) => client.set('sid', Object.assign(session, { key7: 0 }))],
    ['touched', (client, session) => client.touch('sid', session)],
    [
      'merged',
      async (client, session) => {
        await client.set('sid', Object.assign((await client.get('sid'))!, { key8: 0 }))
        await client.set('sid', Object.assign(session, { key7: 0 }))
      },
    ],
  ])('is %s by work in proportion to their number', async (_name, save) => {
    const [few, many] = [await stepsOf(3_000, save), await stepsOf(12_000, save)]
    expect(many / few).toBeLessThan(6)
  })
})

describe('the cache of parsed sessions', () => {
  it.each([
    ['saves the parsing of a text that was read twice from a local bank', true, [1, 1, 0, 0]],
    ['is not used for another bank', undefined, [1, 1, 1, 1]],
  ])('%s', async (_name, isLocal, expected) => {
    const client = new Client(extend(new ReferenceBank(), { isLocal }))
    await client.set('sid', sessionData({ text: 'x' }))
    const parse = vi.spyOn(JSON, 'parse')
    try {
      for (const [time, count] of expected.entries()) {
        parse.mockClear()
        expect(dataOf(await client.get('sid'))).toEqual({ text: 'x' })
        expect(parse, `read ${time + 1}`).toHaveBeenCalledTimes(count)
      }
    } finally {
      parse.mockRestore()
    }
  })

  it('stays within its bounds', { timeout: 60_000 }, async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const usedBytes = () => {
      collect()
      return process.memoryUsage().heapUsed
    }
    const text = 'x'.repeat(2_000)
    // Nothing but the store keeps what it has read.
    const read = async (id: string) => ({ payload: JSON.stringify({ cookie, id, text }), expires: null })
    const client = new Client({ isLocal: true, read, save: async () => {}, delete: async () => true })
    await client.get('id0')
    const before = usedBytes()
    for (let index = 0; index < 60_000; index++) for (let time = 0; time < 2; time++) await client.get(`id${index}`)
    const grown = usedBytes() - before
    expect(grown).toBeLessThan(60e6)
    expect(dataOf(await client.get('id0'))).toEqual({ id: 'id0', text })
  })

  it('keeps no old text of a session that is changed again and again', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const client = new Client(extend(new ReferenceBank(), { isLocal: true }))
    await client.set('sid', sessionData({ n: 0, ballast: 'x'.repeat(100_000) }))
    collect()
    const before = process.memoryUsage().heapUsed
    for (let n = 1; n <= 1_000; n++) await client.set('sid', Object.assign(await client.load('sid'), { n }))
    collect()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5e6)
  })
})
