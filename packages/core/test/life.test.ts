import { gatedBank } from '@connect-databank/conformance'
import { describe, expect, it, vi } from 'vitest'
import { ReferenceBank } from '../../conformance/test/fixtures/reference-bank.ts'
import type { Bank } from '../src/bank.ts'
import { DatabankStore } from '../src/store.ts'
import { Client, dataOf, minute, sessionData, turnOfLoop } from './kit.ts'

function onlyScan(bank: Bank): Bank {
  return {
    read: (id) => bank.read(id),
    save: (id, entry) => bank.save(id, entry),
    delete: (id) => bank.delete(id),
    scan: () => bank.scan!(),
  }
}

describe('live means live', () => {
  const dead = { payload: JSON.stringify(sessionData({ n: 1 })), expires: Date.now() - 1 }

  it.each([
    ['all capabilities', (bank: Bank) => bank],
    ['a scan alone', onlyScan],
  ])('get, all, length neither give nor count the dead, on a bank of %s', async (_name, limit) => {
    const place = new ReferenceBank()
    await place.save('dead', dead)
    const client = new Client(limit(place))
    await client.set('alive', sessionData({ n: 2 }))
    expect(await client.get('dead')).toBeNull()
    expect((await client.all()).map(dataOf)).toEqual([{ n: 2 }])
    expect(await client.length()).toBe(1)
  })

  it('what expires at this very millisecond is dead', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 })
    try {
      const bank = new ReferenceBank()
      const client = new Client(bank)
      await bank.save('sid', { ...dead, expires: 1_000_001 })
      expect(await client.get('sid')).not.toBeNull()
      vi.setSystemTime(1_000_001)
      expect(await client.get('sid')).toBeNull()
    } finally {
      vi.useRealTimers()
    }
  })

  it('gives a browser session the ttl, or for ever, and leaves its cookie without a date', async () => {
    for (const [ttl, expected] of [
      [undefined, 86_400_000],
      [minute, minute],
      [null, null],
    ] as const) {
      const bank = new ReferenceBank()
      const client = new Client(bank, ttl === undefined ? {} : { ttl })
      await client.set('sid', sessionData({}, null))
      const { expires } = (await bank.read('sid'))!
      if (expected === null) expect(expires).toBeNull()
      else expect(Math.abs(expires! - Date.now() - expected)).toBeLessThan(5_000)
      expect((await client.get('sid'))?.cookie.expires).toBeNull()
    }
  })

  it.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['an array', '[]'],
    ['text', '"text"'],
    ['no cookie', '{"n":1}'],
    ['a cookie that is null', '{"cookie":null}'],
    ['a cookie that is an array', '{"cookie":[]}'],
    ['a date that is none', '{"cookie":{"expires":"soon"}}'],
    ['a date beyond all', '{"cookie":{"expires":9e15}}'],
    ['nested so deeply that it cannot be written', `{"cookie":{},"deep":${'['.repeat(9_000)}${']'.repeat(9_000)}}`],
    ['a maxAge that is text', '{"cookie":{"maxAge":"long"}}'],
    ['an age beyond all dates', '{"cookie":{"originalMaxAge":1e300}}'],
    ['a path that is none', '{"cookie":{"path":5}}'],
    ['a path that would end the header’s field', '{"cookie":{"path":"/; HttpOnly"}}'],
    ['a domain that is none', '{"cookie":{"domain":{}}}'],
    ['a sameSite that is none', '{"cookie":{"sameSite":"somewhere"}}'],
    ['a priority that is none', '{"cookie":{"priority":1}}'],
    ['a cookie with a prototype of its own', '{"cookie":{"__proto__":{"path":"/"}}}'],
    ['a live cookie’s own keys', '{"cookie":{"_expires":"2030-01-01T00:00:00.000Z"}}'],
  ])('takes a corrupt record (%s) as missing, and says so', async (_name, payload) => {
    const bank = new ReferenceBank()
    await bank.save('corrupt', { payload, expires: null })
    const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
    const client = new Client(bank, { log })
    const told = client.events()
    expect(await client.get('corrupt')).toBeNull()
    await turnOfLoop()
    expect(told).toEqual(['corrupt corrupt'])
    expect(log.warn).toHaveBeenCalledTimes(1)
    expect(await client.all()).toEqual([])
  })

  it('takes a cookie for as long as the browser runs, as express-session writes it, for whole', async () => {
    const bank = new ReferenceBank()
    await bank.save('sid', { payload: '{"cookie":{"originalMaxAge":false,"expires":false,"path":"/"},"n":1}', expires: null })
    expect(dataOf(await new Client(bank).get('sid'))).toEqual({ n: 1 })
  })

  it('does not let a record named __proto__ change any prototype', async () => {
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

describe('read your writes', () => {
  it('a get waits for a set of the same id that is under way, and for no other', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    await client.set('other', sessionData({ n: 0 }))
    bank.hold('save')
    const saving = client.set('sid', sessionData({ n: 1 }))
    const held = await bank.held('save')
    const reading = client.get('sid')
    expect(dataOf(await client.get('other'))).toEqual({ n: 0 })
    await held.release()
    await saving
    expect(dataOf(await reading)).toEqual({ n: 1 })
  })

  it('writes of one session reach the bank in their order', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    bank.hold('save')
    const saves = [1, 2, 3].map((n) => client.set('sid', sessionData({ n })))
    for (const _ of saves) await (await bank.held('save')).release()
    await Promise.all(saves)
    expect(dataOf(await client.get('sid'))).toEqual({ n: 3 })
  })

  it('keeps what a session was when set was called, whatever is done to it then', async () => {
    const client = new Client(new ReferenceBank())
    const data = { ...sessionData(), n: 1 }
    const saving = client.set('sid', data)
    data.n = 2
    await saving
    expect(dataOf(await client.get('sid'))).toEqual({ n: 1 })
  })

  it('leaves the session that it is given as it was', async () => {
    const client = new Client(new ReferenceBank())
    const data = Object.freeze(sessionData({ n: 1 }))
    const before = JSON.stringify(data)
    await client.set('sid', data)
    await client.touch('sid', data)
    expect(JSON.stringify(data)).toBe(before)
  })
})

describe('close', () => {
  it('waits for writes, closes the bank once, and lets nothing more through', async () => {
    const bank = gatedBank(new ReferenceBank())
    const client = new Client(bank)
    bank.hold('save')
    const saving = client.set('sid', sessionData())
    const held = await bank.held('save')
    const closing = client.store.close()
    await expect(client.get('sid')).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
    expect(bank.calls('close')).toBe(0)
    await held.release()
    await Promise.all([saving, closing, client.store.close()])
    expect(bank.calls('close')).toBe(1)
    await expect(client.set('sid', sessionData())).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
    await expect(client.length()).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
  })

  it('answers when the bank hangs', async () => {
    const bank = gatedBank(new ReferenceBank())
    bank.hold('close')
    const store = new DatabankStore({ bank, timeout: 50 })
    await expect(store.close()).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
  })
})

describe('cleanup', () => {
  it('frees the dead, spares the living and what was renewed since the scan', async () => {
    const place = new ReferenceBank()
    const gated = gatedBank(onlyScan(place))
    const client = new Client(gated)
    const dead = { payload: JSON.stringify(sessionData()), expires: Date.now() - 1 }
    await place.save('dead', dead)
    await place.save('renewed', dead)
    await client.set('alive', sessionData())
    gated.hold('read')
    const cleaning = client.cleanup()
    const first = await gated.held('read')
    expect(first.args).toEqual(['dead'])
    await first.release()
    const second = await gated.held('read')
    await place.save('renewed', { ...dead, expires: null })
    gated.letGo()
    await second.release()
    await cleaning
    expect(await place.read('dead')).toBeNull()
    expect(await place.read('renewed')).not.toBeNull()
    expect(await place.read('alive')).not.toBeNull()
  })

  it('says what it lacks on a bank that cannot list', async () => {
    const { read, save, delete: remove } = onlyScan(new ReferenceBank())
    const client = new Client({ read, save, delete: remove })
    const lacking = { code: 'DATABANK_NOT_SUPPORTED' }
    await expect(client.cleanup()).rejects.toMatchObject(lacking)
    await expect(client.all()).rejects.toMatchObject(lacking)
    await expect(client.length()).rejects.toMatchObject(lacking)
    await expect(client.clear()).rejects.toMatchObject(lacking)
  })
})

describe('entries', () => {
  it('streams ids and sessions, and releases the bank’s scan when it is left early', async () => {
    let isReleased = false
    const place = new ReferenceBank()
    const bank = onlyScan(place)
    bank.scan = async function* () {
      try {
        yield* place.scan()
      } finally {
        isReleased = true
      }
    }
    const client = new Client(bank)
    await client.set('a', sessionData({ n: 1 }))
    await client.set('b', sessionData({ n: 2 }))
    const seen: unknown[] = []
    for await (const [sid, found] of client.store.entries()) {
      seen.push([sid, dataOf(found)])
      break
    }
    await turnOfLoop()
    expect(seen).toEqual([['a', { n: 1 }]])
    expect(isReleased).toBe(true)
  })
})
