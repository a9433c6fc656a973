import { describe, expect, it } from 'vitest'
import { type Tracked, track, trackedOf } from '../src/baseline.ts'
import { Client, dataOf, ReferenceBank, sessionData } from './helpers.ts'

const tracker = {}
const trackedAs = (id: string, by: object = tracker) => ({ tracker: by, baseline: { id } }) as unknown as Tracked

describe('what is remembered of a session object', () => {
  it('is found again, and can be replaced', () => {
    const [one, other] = [{}, []]
    expect(trackedOf(one, tracker)).toBeUndefined()
    const [a, b, c] = [trackedAs('a'), trackedAs('b'), trackedAs('c')]
    track(one, a)
    track(other, b)
    track(one, c)
    expect([one, other, {}, null].map((each) => trackedOf(each, tracker))).toEqual([c, b, undefined, undefined])
  })

  it('is found for each store', () => {
    const object = {}
    const [a, b, c] = [trackedAs('a', {}), trackedAs('b', {}), trackedAs('c', {})]
    for (const tracked of [a, b, c]) track(object, tracked)
    const d = trackedAs('d', b.tracker)
    track(object, d)
    expect([a, b, c].map((each) => trackedOf(object, each.tracker)?.baseline.id)).toEqual(['a', 'd', 'c'])
    expect(trackedOf(object, {})).toBeUndefined()
  })

  it('is neither enumerated, compared, stored nor copied', () => {
    const object = { a: 1 }
    track(object, trackedAs('a'))
    expect(Object.keys(object)).toEqual(['a'])
    expect(object).toEqual({ a: 1 })
    expect(JSON.stringify(object)).toBe('{"a":1}')
    const copies = [{ ...object }, Object.assign({}, object), structuredClone(object), Object.create(object)]
    for (const copy of copies) expect(trackedOf(copy, tracker)).toBeUndefined()
  })

  it('is kept for objects that are frozen, before or after', () => {
    const [a, b] = [trackedAs('a'), trackedAs('b')]
    const frozen = Object.freeze({})
    track(frozen, a)
    track(frozen, b)
    expect(trackedOf(frozen, tracker)).toBe(b)
    const later = {}
    track(later, a)
    Object.freeze(later)
    track(later, b)
    expect(trackedOf(later, tracker)).toBe(b)
  })
})

describe('a session object', () => {
  it('of another store is no loaded one: it is stored as it is', async () => {
    const [one, other] = [new Client(new ReferenceBank()), new Client(new ReferenceBank())]
    await one.set('sid', sessionData({ n: 1 }))
    const live = await one.load('sid')
    await other.set('sid', sessionData({ theirs: 1 }))
    await other.set('sid', Object.assign(live, { n: 2 }))
    expect(dataOf(await other.get('sid'))).toEqual({ n: 2 })
    expect(dataOf(await one.get('sid'))).toEqual({ n: 1 })
  })

  it('that is written to two stores stays ended in the one where it was ended', async () => {
    const [one, other] = [new Client(new ReferenceBank()), new Client(new ReferenceBank())]
    await one.set('sid', sessionData({ n: 1 }))
    const live = await one.load('sid')
    await other.set('sid', live)
    await one.destroy('sid')
    await one.set('sid', Object.assign(live, { n: 2 }))
    expect(await one.get('sid')).toBeNull()
  })

  it('that is saved under another id is a new session there', async () => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData({ n: 1 }))
    const live = await client.load('sid')
    await client.set('other', live)
    expect([dataOf(await client.get('sid')), dataOf(await client.get('other'))]).toEqual([{ n: 1 }, { n: 1 }])
  })

  it('that was frozen is stored and compared as any other', async () => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData({ n: 1 }))
    const found = Object.freeze(Object.assign((await client.get('sid'))!, { ours: 1 }))
    const other = await client.load('sid')
    await client.set('sid', Object.assign(other, { theirs: 1 }))
    await client.set('sid', found)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1, ours: 1, theirs: 1 })
  })
})
