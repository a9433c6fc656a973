import type { SessionData } from 'express-session'
import { describe, expect, it } from 'vitest'
import { Client, dataOf, gatedBank, MINUTE, minutesOf, nextTurn, ReferenceBank, sessionData, threeMethods } from './helpers.ts'

const increment = (session: SessionData): void => {
  const counter = session as SessionData & { n: number }
  counter.n++
}

describe.each([
  ['with swap', (bank: ReferenceBank) => bank],
  ['without swap, in one process', threeMethods],
])('update on a bank %s', (_name, limit) => {
  it('counts 100 in 100 parallel increments', async () => {
    const client = new Client(limit(new ReferenceBank()))
    await client.set('sid', sessionData({ n: 0, kept: true }))
    await Promise.all(Array.from({ length: 100 }, () => client.store.update('sid', increment)))
    expect(dataOf(await client.get('sid'))).toEqual({ n: 100, kept: true })
  })

  it('resolves with the session that is stored then', async () => {
    const client = new Client(limit(new ReferenceBank()))
    await client.set('sid', sessionData({ n: 1 }))
    expect(dataOf(await client.store.update('sid', increment))).toEqual({ n: 2 })
  })

  it('stores another session that the function returns or resolves with', async () => {
    const client = new Client(limit(new ReferenceBank()))
    await client.set('sid', sessionData({ n: 1 }))
    const { cookie } = sessionData({}, 7 * MINUTE)
    const updated = await client.store.update('sid', async () => ({ cookie, other: 1 }) as never)
    const found = await client.get('sid')
    expect([dataOf(updated), dataOf(found)]).toEqual([{ other: 1 }, { other: 1 }])
    expect(minutesOf(found?.cookie.originalMaxAge)).toBe(7)
  })

  it('resolves with null where there is no session, and calls nothing', async () => {
    const client = new Client(limit(new ReferenceBank()))
    await client.set('expired', sessionData({ n: 1 }, -1))
    const calls: unknown[] = []
    const call = (session: SessionData): void => void calls.push(session)
    expect(await client.store.update('missing', call)).toBeNull()
    expect(await client.store.update('expired', call)).toBeNull()
    expect(calls).toEqual([])
    expect(await client.get('missing')).toBeNull()
  })
})

describe('update', () => {
  it('counts the increments of several processes too', async () => {
    const table = new Map()
    const clients = [1, 2, 3, 4].map(() => new Client(new ReferenceBank(table)))
    await clients[0]!.set('sid', sessionData({ n: 0 }))
    await Promise.all(Array.from({ length: 100 }, (_, index) => clients[index % 4]!.store.update('sid', increment)))
    expect(dataOf(await clients[0]!.get('sid'))).toEqual({ n: 100 })
  })

  it('runs the function again on what another process has written meanwhile', async () => {
    const table = new Map()
    const gated = gatedBank(new ReferenceBank(table))
    const [slow, fast] = [new Client(gated), new Client(new ReferenceBank(table))]
    await fast.set('sid', sessionData({ n: 1 }))
    gated.hold('swap')
    const seen: unknown[] = []
    const updating = slow.store.update('sid', (session) => {
      seen.push(dataOf(session))
      increment(session)
    })
    const held = await gated.held('swap')
    await fast.set('sid', Object.assign(await fast.load('sid'), { n: 10 }))
    gated.releaseAll()
    await held.release()
    expect(dataOf(await updating)).toEqual({ n: 11 })
    expect(seen).toEqual([{ n: 1 }, { n: 10 }])
  })

  it('does not write a session that is destroyed meanwhile', async () => {
    const table = new Map()
    const gated = gatedBank(new ReferenceBank(table))
    const [slow, fast] = [new Client(gated), new Client(new ReferenceBank(table))]
    await fast.set('sid', sessionData({ n: 1 }))
    gated.hold('swap')
    const updating = slow.store.update('sid', increment)
    const held = await gated.held('swap')
    await fast.destroy('sid')
    await held.release()
    expect(await updating).toBeNull()
    expect(await fast.get('sid')).toBeNull()
  })

  it('leaves the expiry alone, unless the function changes the cookie', async () => {
    const bank = new ReferenceBank()
    const client = new Client(bank)
    await client.set('sid', sessionData({ n: 0 }))
    const later = Date.now() + 60 * MINUTE
    await bank.touch('sid', later, Date.now())
    await client.store.update('sid', increment)
    expect((await bank.read('sid'))?.expires).toBe(later)
    const sooner = Date.now() + MINUTE / 2
    await client.store.update('sid', ({ cookie }) => {
      cookie.expires = new Date(sooner)
    })
    expect((await bank.read('sid'))?.expires).toBe(sooner)
  })

  it('leaves the expiry of a browser session alone', async () => {
    const bank = new ReferenceBank()
    const client = new Client(bank, { ttl: MINUTE })
    const expires = Date.now() + MINUTE / 2
    await bank.save('sid', { payload: JSON.stringify(sessionData({ n: 0 }, null)), expires })
    await client.store.update('sid', increment)
    expect(await bank.read('sid')).toMatchObject({ expires, payload: expect.stringContaining('"n":1') })
  })

  it('keeps its change beside those of requests that save', async () => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData({ n: 0 }))
    const live = await client.load('sid')
    live['other'] = 1
    await Promise.all([client.store.update('sid', increment), client.set('sid', live), client.store.update('sid', increment)])
    expect(dataOf(await client.get('sid'))).toEqual({ n: 2, other: 1 })
  })

  it('rejects and stores nothing if the function throws, rejects or returns no session', async () => {
    const client = new Client(new ReferenceBank())
    await client.set('sid', sessionData({ n: 1 }))
    const thrown = new Error('out of stock')
    // No failure of the database, and not logged as one.
    const failed = { code: 'DATABANK_MERGE_FAILED', message: 'update: out of stock', cause: thrown }
    const failing = client.store.update('sid', () => {
      throw thrown
    })
    await expect(failing).rejects.toMatchObject(failed)
    await expect(client.store.update('sid', () => Promise.reject(thrown))).rejects.toMatchObject(failed)
    const invalid = { code: 'DATABANK_INVALID_SESSION' }
    await expect(client.store.update('sid', () => ({ n: 2 }) as never)).rejects.toMatchObject(invalid)
    await expect(client.store.update('sid', () => 'text' as never)).rejects.toMatchObject(invalid)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })

  it('ends with its deadline when the function hangs, and does not write later', async () => {
    const client = new Client(new ReferenceBank(), { timeout: 50 })
    await client.set('sid', sessionData({ n: 1 }))
    let end: () => void = () => {}
    const updating = client.store.update('sid', async (session) => {
      increment(session)
      await new Promise<void>((resolve) => {
        end = resolve
      })
    })
    await expect(updating).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
    end()
    await nextTurn()
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })
})
