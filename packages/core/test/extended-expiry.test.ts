import { describe, expect, it } from 'vitest'
import { Client, dataOf, gatedBank, MINUTE, ReferenceBank, renewAge, sessionData } from './helpers.ts'

/** A session that expires in ten minutes, on a bank that others use as well. */
async function open(options: ConstructorParameters<typeof Client>[1] = {}) {
  const bank = new ReferenceBank()
  const gated = gatedBank(bank)
  const client = new Client(gated, options)
  await client.set('sid', sessionData({}, 10 * MINUTE))
  return { bank, gated, client, expires: async () => (await bank.read('sid'))?.expires }
}

const inMinutes = (minutes: number): number => Date.now() + minutes * MINUTE

describe('a save that does not change the cookie’s age', () => {
  it('does not shorten the expiry that another request has extended', async () => {
    const { bank, client, expires } = await open()
    const late = await client.load('sid')
    const later = inMinutes(60)
    await bank.touch('sid', later, Date.now())
    late['late'] = 1
    await client.set('sid', late)
    expect(await expires()).toBe(later)
    expect(dataOf(await client.get('sid'))).toEqual({ late: 1 })
  })

  it('does not shorten it when it changes no data', async () => {
    const { bank, client, expires } = await open()
    const late = await client.load('sid')
    const later = inMinutes(60)
    await bank.touch('sid', later, Date.now())
    await client.set('sid', late)
    expect(await expires()).toBe(later)
  })

  it('does not shorten it when it changes only other fields of the cookie, and stores these', async () => {
    const { bank, client, expires } = await open()
    const late = await client.load('sid')
    const later = inMinutes(60)
    await bank.touch('sid', later, Date.now())
    late.cookie.sameSite = 'strict'
    await client.set('sid', late)
    expect(await expires()).toBe(later)
    expect((await client.get('sid'))?.cookie.sameSite).toBe('strict')
  })

  it('does not shorten it when it has waited for another save', async () => {
    const { bank, gated, client, expires } = await open()
    const [first, late] = [await client.load('sid'), await client.load('sid')]
    first['first'] = 1
    gated.hold('swap')
    first.cookie.maxAge = 5 * MINUTE
    const saving = client.set('sid', first)
    const held = await gated.held('swap')
    late['late'] = 1
    const waiting = client.set('sid', late)
    await held.perform()
    const later = inMinutes(60)
    await bank.touch('sid', later, Date.now())
    gated.releaseAll()
    await held.release()
    await Promise.all([saving, waiting])
    expect(await expires()).toBe(later)
    expect(dataOf(await client.get('sid'))).toEqual({ first: 1, late: 1 })
  })

  it('does not shorten it when it is the second save of its request', async () => {
    for (const [first, second] of [
      [{}, {}],
      [{}, { n: 1 }],
      [{ n: 1 }, {}],
      [{ n: 1 }, { n: 2 }],
    ]) {
      const { bank, client, expires } = await open()
      const late = await client.load('sid')
      const later = inMinutes(60)
      await bank.touch('sid', later, Date.now())
      await client.set('sid', Object.assign(late, first))
      await client.set('sid', Object.assign(late, second))
      late.cookie.sameSite = 'strict'
      await client.set('sid', late)
      await client.set('sid', Object.assign(late, { n: 3 }))
      expect(await expires()).toBe(later)
    }
  })

  it('does not shorten it when its own touch came before', async () => {
    const { bank, client, expires } = await open()
    const late = await client.load('sid')
    renewAge(late)
    await client.touch('sid', late)
    const later = inMinutes(60)
    await bank.touch('sid', later, Date.now())
    await client.set('sid', Object.assign(late, { n: 1 }))
    expect(await expires()).toBe(later)
  })

  it('does not shorten it when it is merged by the caller', async () => {
    const { bank, client, expires } = await open({ merge: (_base, theirs, ours) => ({ ...theirs, ...ours }) })
    const [theirs, ours] = [await client.load('sid'), await client.load('sid')]
    await client.set('sid', Object.assign(theirs, { theirs: 1 }))
    const later = inMinutes(60)
    await bank.touch('sid', later, Date.now())
    await client.set('sid', Object.assign(ours, { ours: 1 }))
    expect(await expires()).toBe(later)
    expect(dataOf(await client.get('sid'))).toEqual({ theirs: 1, ours: 1 })
  })

  it('extends an expiry that another request has shortened', async () => {
    const { bank, client, expires } = await open()
    for (const data of [{}, { n: 1 }]) {
      const late = await client.load('sid')
      const loaded = await expires()
      await bank.touch('sid', inMinutes(5), Date.now())
      Object.assign(late, data)
      await client.set('sid', late)
      expect(await expires()).toBe(loaded)
    }
  })

  it('is not stored when the session is gone', async () => {
    const { bank, client } = await open()
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

it('a save that extends the expiry beyond the loaded one needs no read, and is stored with its own expiry', async () => {
  const { bank, gated, client, expires } = await open()
  const late = await client.load('sid')
  await bank.touch('sid', inMinutes(60), Date.now())
  late['late'] = 1
  late.cookie.expires = new Date(inMinutes(20))
  const reads = gated.calls('read')
  await client.set('sid', late)
  expect(gated.calls('read')).toBe(reads)
  expect(await expires()).toBe(late.cookie.expires.getTime())
})

/** What the request of `late` has learned from its save: that another request has extended the expiry to an hour. */
const learned = {
  async 'that was merged with one of a later expiry'() {
    const all = await open()
    const [late, early] = [await all.client.load('sid'), await all.client.load('sid')]
    early['early'] = 1
    early.cookie.maxAge = 60 * MINUTE
    await all.client.set('sid', early)
    late['late'] = 1
    await all.client.set('sid', late)
    return { ...all, late, later: await all.expires() }
  },
  async 'that left a later expiry alone'() {
    const all = await open()
    const late = await all.client.load('sid')
    const later = inMinutes(60)
    await all.bank.touch('sid', later, Date.now())
    late['late'] = 1
    await all.client.set('sid', late)
    return { ...all, late, later }
  },
}

describe.each(Object.entries(learned))('after a save %s,', (_name, learn) => {
  it.each([
    ['touch', {}],
    ['set', {}],
    ['set', { n: 2 }],
  ] as const)('a %s of the same age and %o leaves the later expiry alone', async (method, data) => {
    const { client, late, later, expires } = await learn()
    renewAge(late)
    await client[method]('sid', Object.assign(late, data))
    expect(await expires()).toBe(later)
  })

  it('a touch with another age changes the expiry', async () => {
    const { client, late, expires } = await learn()
    late.cookie.maxAge = 20 * MINUTE
    await client.touch('sid', late)
    expect(await expires()).toBe(late.cookie.expires?.getTime())
  })

  it('a touch extends an expiry that has been shortened since', async () => {
    const { bank, client, late, expires } = await learn()
    await bank.touch('sid', inMinutes(5), Date.now())
    renewAge(late)
    await client.touch('sid', late)
    expect(await expires()).toBe(late.cookie.expires?.getTime())
  })
})
