import { gatedBank } from '@connect-databank/conformance'
import { describe, expect, it } from 'vitest'
import { ReferenceBank } from '../../conformance/test/fixtures/reference-bank.ts'
import { Client, countAnew, dataOf, minute, sessionData } from './kit.ts'

/** A session that dies in ten minutes, on a bank that somebody else may speak to. */
async function opened() {
  const bank = new ReferenceBank()
  const gated = gatedBank(bank)
  const client = new Client(gated)
  await client.set('sid', sessionData({}, 10 * minute))
  return { bank, gated, client, expires: async () => (await bank.read('sid'))?.expires }
}

/** A death that is none of the session's own. */
const inMinutes = (minutes: number): number => Date.now() + minutes * minute

describe('a save that carries the death that was loaded', () => {
  it('takes back nothing of another’s touch', async () => {
    const { bank, client, expires } = await opened()
    const late = await client.load('sid')
    const later = inMinutes(60)
    await bank.touch('sid', later)
    late['late'] = 1
    await client.set('sid', late)
    expect(await expires()).toBe(later)
    expect(dataOf(await client.get('sid'))).toEqual({ late: 1 })
  })

  it('takes back nothing when it changes no data', async () => {
    const { bank, client, expires } = await opened()
    const late = await client.load('sid')
    const later = inMinutes(60)
    await bank.touch('sid', later)
    await client.set('sid', late)
    expect(await expires()).toBe(later)
  })

  it('takes back nothing when it changes only other fields of the cookie, and keeps these', async () => {
    const { bank, client, expires } = await opened()
    const late = await client.load('sid')
    const later = inMinutes(60)
    await bank.touch('sid', later)
    late.cookie.sameSite = 'strict'
    await client.set('sid', late)
    expect(await expires()).toBe(later)
    expect((await client.get('sid'))?.cookie.sameSite).toBe('strict')
  })

  it('takes back nothing when it waited for another’s save', async () => {
    const { bank, gated, client, expires } = await opened()
    const [first, late] = [await client.load('sid'), await client.load('sid')]
    first['first'] = 1
    gated.hold('swap')
    first.cookie.maxAge = 5 * minute
    const saving = client.set('sid', first)
    const held = await gated.held('swap')
    late['late'] = 1
    const waiting = client.set('sid', late)
    await held.perform()
    const later = inMinutes(60)
    await bank.touch('sid', later)
    gated.letGo()
    await held.release()
    await Promise.all([saving, waiting])
    expect(await expires()).toBe(later)
    expect(dataOf(await client.get('sid'))).toEqual({ first: 1, late: 1 })
  })

  it('takes back nothing when it is the second', async () => {
    for (const [first, second] of [
      [{}, {}],
      [{}, { n: 1 }],
      [{ n: 1 }, {}],
      [{ n: 1 }, { n: 2 }],
    ]) {
      const { bank, client, expires } = await opened()
      const late = await client.load('sid')
      const later = inMinutes(60)
      await bank.touch('sid', later)
      await client.set('sid', Object.assign(late, first))
      await client.set('sid', Object.assign(late, second))
      late.cookie.sameSite = 'strict'
      await client.set('sid', late)
      await client.set('sid', Object.assign(late, { n: 3 }))
      expect(await expires()).toBe(later)
    }
  })

  it('takes back nothing when its own touch has brought that death', async () => {
    const { bank, client, expires } = await opened()
    const late = await client.load('sid')
    countAnew(late)
    await client.touch('sid', late)
    const later = inMinutes(60)
    await bank.touch('sid', later)
    await client.set('sid', Object.assign(late, { n: 1 }))
    expect(await expires()).toBe(later)
  })

  it('prolongs a life that another has shortened', async () => {
    const { bank, client, expires } = await opened()
    for (const data of [{}, { n: 1 }]) {
      const late = await client.load('sid')
      const loaded = await expires()
      await bank.touch('sid', inMinutes(5))
      Object.assign(late, data)
      await client.set('sid', late)
      expect(await expires()).toBe(loaded)
    }
  })

  it('is not written when the session is gone', async () => {
    const { bank, client } = await opened()
    for (const data of [{}, { n: 1 }]) {
      await client.set('sid', sessionData())
      const late = await client.load('sid')
      await bank.delete('sid')
      Object.assign(late, data)
      await client.set('sid', late)
      expect(await bank.read('sid')).toBeNull()
    }
  })
})

it('a save that moves the death says when the session ends, without asking', async () => {
  const { bank, gated, client, expires } = await opened()
  const late = await client.load('sid')
  await bank.touch('sid', inMinutes(60))
  late['late'] = 1
  late.cookie.expires = new Date(inMinutes(20))
  const reads = gated.calls('read')
  await client.set('sid', late)
  expect(gated.calls('read')).toBe(reads)
  expect(await expires()).toBe(late.cookie.expires.getTime())
})

/** What the request of `late` knows by now: that another has given the session an hour. */
const learnt = {
  async 'that was merged with one of a longer life'() {
    const all = await opened()
    const [late, early] = [await all.client.load('sid'), await all.client.load('sid')]
    early['early'] = 1
    early.cookie.maxAge = 60 * minute
    await all.client.set('sid', early)
    late['late'] = 1
    await all.client.set('sid', late)
    return { ...all, late, later: await all.expires() }
  },
  async 'that left a longer life alone'() {
    const all = await opened()
    const late = await all.client.load('sid')
    const later = inMinutes(60)
    await all.bank.touch('sid', later)
    late['late'] = 1
    await all.client.set('sid', late)
    return { ...all, late, later }
  },
}

describe.each(Object.entries(learnt))('after a save %s,', (_name, learn) => {
  it.each([
    ['touch', {}],
    ['set', {}],
    ['set', { n: 2 }],
  ] as const)('a %s of the same age and %o leaves that life alone', async (method, data) => {
    const { client, late, later, expires } = await learn()
    countAnew(late)
    await client[method]('sid', Object.assign(late, data))
    expect(await expires()).toBe(later)
  })

  it('a touch of another age moves the death', async () => {
    const { client, late, expires } = await learn()
    late.cookie.maxAge = 20 * minute
    await client.touch('sid', late)
    expect(await expires()).toBe(late.cookie.expires?.getTime())
  })

  it('a touch prolongs what has been shortened since', async () => {
    const { bank, client, late, expires } = await learn()
    await bank.touch('sid', inMinutes(5))
    countAnew(late)
    await client.touch('sid', late)
    expect(await expires()).toBe(late.cookie.expires?.getTime())
  })
})
