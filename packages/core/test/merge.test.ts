import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as merging from '../src/merge.ts'
import { Snapshot } from '../src/snapshot.ts'

const snapshots = (...texts: string[]) => texts.map((text) => new Snapshot(text)) as [Snapshot, Snapshot, Snapshot]
const mergeByKey = (base: string, theirs: string, ours: string, longer: 'theirs' | 'ours') =>
  merging.mergeByKey(...snapshots(base, theirs, ours), longer).text
const isSameData = (base: string, ours: string) => merging.isSameData(new Snapshot(base), new Snapshot(ours))
const withCookie = (text: string, cookie: unknown) => merging.withCookie(new Snapshot(text), cookie).text

const cookie = { path: '/', domain: 'a"}{\\' }
const record = (data: object, own: object = cookie) => JSON.stringify({ cookie: own, ...data })

const data = fc.dictionary(
  fc.string({ maxLength: 3 }).filter((key) => key !== 'cookie' && key !== '__proto__'),
  fc.jsonValue(),
  {
    maxKeys: 6,
    noNullPrototype: true,
  },
)

/** As JSON holds it: -0 becomes 0. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

describe('mergeByKey', () => {
  it('takes each key from who changed it, ours where both did', () => {
    fc.assert(
      fc.property(data, data, data, (base, theirs, ours) => {
        const merged = JSON.parse(mergeByKey(record(base), record(theirs), record(ours), 'ours'))
        delete merged.cookie
        const text = (from: object, key: string) => JSON.stringify((from as Record<string, unknown>)[key])
        for (const key of new Set([base, theirs, ours].flatMap((each) => Object.keys(each)))) {
          const from = text(ours, key) === text(base, key) ? theirs : ours
          expect(Object.hasOwn(merged, key)).toBe(Object.hasOwn(from, key))
          if (Object.hasOwn(from, key)) expect(merged[key]).toEqual(plain((from as Record<string, unknown>)[key]))
        }
      }),
    )
  })

  it('takes the cookie of the version that lives longer', () => {
    const [base, theirs, ours] = [record({ n: 1 }), record({ n: 2 }, { path: '/theirs' }), record({ n: 1 }, { path: '/ours' })]
    expect(JSON.parse(mergeByKey(base, theirs, ours, 'theirs'))).toEqual({ cookie: { path: '/theirs' }, n: 2 })
    expect(JSON.parse(mergeByKey(base, theirs, ours, 'ours'))).toEqual({ cookie: { path: '/ours' }, n: 2 })
  })

  it('takes for no change of ours that we write otherwise what another program has written', () => {
    const base = '{"cookie":{},"n":1.0,"\\u0061":{"x": "\\u00e9"},"b":1}'
    const merged = mergeByKey(base, '{"cookie":{},"n":2,"a":3,"b":1}', '{"cookie":{},"n":1,"a":{"x":"é"},"b":4}', 'ours')
    expect(JSON.parse(merged)).toEqual({ cookie: {}, n: 2, a: 3, b: 4 })
  })

  it('takes a key named __proto__ as data', () => {
    const merged = mergeByKey('{"cookie":{}}', '{"cookie":{},"__proto__":{"a":1}}', '{"cookie":{},"b":2}', 'ours')
    expect(merged).toBe('{"cookie":{},"__proto__":{"a":1},"b":2}')
  })
})

describe('isSameData', () => {
  it('is not deceived by any text in the cookie or the data', () => {
    fc.assert(
      fc.property(data, data, fc.string(), fc.string(), (first, second, path, domain) => {
        const [a, b] = [record(first, { path }), record(second, { domain, nested: { path } })]
        expect(isSameData(a, record(first, { domain }))).toBe(true)
        expect(isSameData(a, b)).toBe(JSON.stringify(plain(first)) === JSON.stringify(plain(second)))
      }),
    )
  })

  it('goes by the values, however they are written', () => {
    expect(isSameData('{ "n" : 1.0, "cookie":{} }', '{"cookie":{},"n":1}')).toBe(true)
    expect(isSameData('{ "n" : 1.5, "cookie":{} }', '{"cookie":{},"n":1}')).toBe(false)
  })

  it('compares by key where a cookie does not come first', () => {
    expect(isSameData('{"n":1,"cookie":{"a":1}}', '{"cookie":{"a":2},"n":1}')).toBe(true)
    expect(isSameData('{"n":1,"cookie":{}}', '{"cookie":{},"n":2}')).toBe(false)
    expect(isSameData('{"n":1,"cookie":{}}', '{"cookie":{},"n":1,"m":1}')).toBe(false)
  })
})

describe('withCookie', () => {
  it('replaces the cookie and nothing else, in its place', () => {
    expect(withCookie('{"a":1,"cookie":{"x":1},"b":2}', { y: 2 })).toBe('{"a":1,"cookie":{"y":2},"b":2}')
  })
})
