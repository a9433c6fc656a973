import type { SessionData } from 'express-session'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Merge } from '../src/merge.ts'
import { mergeByKey as mergeForms } from '../src/merge.ts'
import { Client, dataOf, ReferenceBank, renewAge, sessionData } from './helpers.ts'

type Data = Record<string, unknown>

const cookie = { path: '/', domain: 'a"}{\\' }
const record = (data: object) => ({ cookie, ...data })
const NONE: ReadonlySet<string> = new Set()

const mergeByKey = (base: object, theirs: object, ours: object, unconfirmed = NONE) =>
  mergeForms(base as never, theirs as never, ours as never, unconfirmed)

/** As JSON holds it: -0 becomes 0. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

const data = fc
  .dictionary(
    fc.string({ maxLength: 3 }).filter((key) => key !== 'cookie' && key !== '__proto__'),
    fc.jsonValue(),
    { maxKeys: 6, noNullPrototype: true },
  )
  .map(plain)

describe('mergeByKey', () => {
  it('takes each key from the side that has changed it, ours where both have', () => {
    fc.assert(
      fc.property(data, data, data, (base, theirs, ours) => {
        const merged: Data = { ...mergeByKey(record(base), record(theirs), record(ours)).form }
        delete merged['cookie']
        const text = (from: object, key: string) => JSON.stringify((from as Data)[key])
        for (const key of new Set([base, theirs, ours].flatMap((each) => Object.keys(each)))) {
          const from = text(ours, key) === text(base, key) ? theirs : ours
          expect(Object.hasOwn(merged, key)).toBe(Object.hasOwn(from, key))
          if (Object.hasOwn(from, key)) expect(merged[key]).toEqual(from[key])
        }
      }),
    )
  })

  it('names exactly the keys that both sides have changed, to different values', () => {
    fc.assert(
      fc.property(data, data, data, (base, theirs, ours) => {
        const { conflictingKeys } = mergeByKey(record(base), record(theirs), record(ours))
        const text = (from: object, key: string) => JSON.stringify((from as Data)[key])
        const expected = [...new Set([base, theirs, ours].flatMap((each) => Object.keys(each)))].filter(
          (key) =>
            text(base, key) !== text(theirs, key) && text(base, key) !== text(ours, key) && text(theirs, key) !== text(ours, key),
        )
        expect([...conflictingKeys].sort()).toEqual(expected.sort())
      }),
    )
  })

  it('changes none of the versions', () => {
    const [base, theirs, ours] = [record({ a: [1] }), record({ a: [2], b: 1 }), record({ a: [3], c: 1 })]
    const before = JSON.stringify([base, theirs, ours])
    mergeByKey(base, theirs, ours)
    expect(JSON.stringify([base, theirs, ours])).toBe(before)
  })

  it('keeps a key named __proto__ as data', () => {
    const parse = (text: string) => JSON.parse(text)
    const { form } = mergeByKey(parse('{"cookie":{}}'), parse('{"cookie":{},"__proto__":{"a":1}}'), parse('{"cookie":{},"b":2}'))
    expect(JSON.stringify(form)).toBe('{"cookie":{},"__proto__":{"a":1},"b":2}')
  })

  it('takes keys of an earlier write with an unknown result from ours, and names no conflict for them', () => {
    const [base, theirs, ours] = [record({}), record({ maybe: 1, other: 2 }), record({})]
    expect(mergeByKey(base, theirs, ours, new Set(['maybe']))).toEqual({ form: record({ other: 2 }), conflictingKeys: [] })
  })

  it('does work in proportion to the number of keys', () => {
    /** How often a member is read while two versions with so many keys are merged. */
    const reads = (count: number): number => {
      let steps = 0
      const version = (changed: string) => {
        const members: Data = record({ [changed]: 1 })
        for (let key = 0; key < count; key++) members[`key${key}`] = { key }
        const counted: ProxyHandler<Data> = {
          get(target, name) {
            steps++
            return Reflect.get(target, name)
          },
          getOwnPropertyDescriptor(target, name) {
            steps++
            return Reflect.getOwnPropertyDescriptor(target, name)
          },
        }
        return new Proxy(members, counted)
      }
      mergeByKey(version('base'), version('theirs'), version('ours'))
      return steps
    }
    const [few, many] = [reads(3_000), reads(12_000)]
    expect(many / few).toBeGreaterThan(3)
    expect(many / few).toBeLessThan(6)
  })
})

describe('the option merge', () => {
  const n = (each: object) => (each as { n: number }).n
  const add: Merge = (base, theirs, ours) => Object.assign(ours, { n: n(theirs) + n(ours) - n(base) })

  const twoRequests = async (merge: Merge) => {
    const client = new Client(new ReferenceBank(), { merge })
    await client.set('sid', sessionData({ n: 10 }))
    return { client, first: await client.load('sid'), second: await client.load('sid') }
  }

  it('replaces the merge by key', async () => {
    const { client, first, second } = await twoRequests(add)
    first['n'] = 11
    second['n'] = 15
    await client.set('sid', first)
    await client.set('sid', second)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 16 })
  })

  it('is called with what was loaded, what is stored and what is to be written, as objects of its own', async () => {
    const calls: SessionData[][] = []
    const { client, first, second } = await twoRequests((...versions) => {
      calls.push(versions)
      return versions[2]
    })
    await client.set('sid', Object.assign(first, { n: 11, theirs: 1 }))
    await client.set('sid', Object.assign(second, { n: 12, ours: 1 }))
    expect(calls.map((versions) => versions.map(dataOf))).toEqual([[{ n: 10 }, { n: 11, theirs: 1 }, { n: 12, ours: 1 }]])
    for (const version of calls[0]!) {
      version.cookie.path = '/changed'
      Object.assign(version, { n: 'changed' })
    }
    expect([dataOf(await client.get('sid')), second['n'], first['n']]).toEqual([{ n: 12, ours: 1 }, 12, 11])
  })

  it('gets the expiry that the request knows, also if another request has extended the session since', async () => {
    const calls: unknown[] = []
    const { client, first, second } = await twoRequests((base, _theirs, ours) => {
      calls.push([base.cookie.expires, ours.cookie.expires])
      return ours
    })
    const known = new Date(second.cookie.expires!).toISOString()
    renewAge(first)
    await client.set('sid', Object.assign(first, { n: 11 }))
    await client.set('sid', second)
    await client.set('sid', Object.assign(second, { n: 12 }))
    expect(calls).toEqual([[known, known]])
  })

  it('is not called where nobody else has written', async () => {
    const { client, first } = await twoRequests(() => {
      throw new Error('called')
    })
    await client.set('sid', Object.assign(first, { n: 11 }))
    await client.set('sid', Object.assign(first, { n: 12 }))
    expect(dataOf(await client.get('sid'))).toEqual({ n: 12 })
  })

  it('is not called for a touch, which leaves the data alone', async () => {
    const { client, first, second } = await twoRequests((_base, _theirs, ours) => ours)
    await client.set('sid', Object.assign(first, { n: 11 }))
    second.cookie.path = '/other'
    await client.touch('sid', second)
    const found = await client.get('sid')
    expect([dataOf(found), found?.cookie.path]).toEqual([{ n: 11 }, '/other'])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['returns nothing', () => undefined],
    ['returns a session without a cookie', () => ({ n: 1 })],
    ['returns a promise', async (_base: object, theirs: object) => theirs],
  ])('that %s fails the save, and nothing is stored', async (_name, merge) => {
    const { client, first, second } = await twoRequests(merge as never)
    first['n'] = 2
    second['n'] = 3
    await client.set('sid', first)
    await expect(client.set('sid', second)).rejects.toMatchObject({ code: 'DATABANK_MERGE_FAILED' })
    expect(dataOf(await client.get('sid'))).toEqual({ n: 2 })
  })
})
