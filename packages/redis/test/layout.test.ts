// The data of connect-redis, both ways, and what else is in the same database.
import { promisify } from 'node:util'
import { RedisStore as ConnectRedis } from 'connect-redis'
import type { SessionData, Store } from 'express-session'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../testing/program.js'
import { startProxy } from '../../../testing/proxy.js'
import { server } from '../../../testing/servers/index.js'
import { type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { RedisBank, type RedisBankOptions, RedisStore, type RedisStoreOptions } from '../src/index.ts'
import { aSession, listed } from './requests.ts'

const HOUR = 3_600_000

describe.skipIf(server('redis').missing)('the database', () => {
  let redis: RedisServer
  let client: ReturnType<typeof createClient>
  const opened: { close(): Promise<void> }[] = []

  beforeAll(async () => {
    redis = await startRedis({ args: ['--enable-debug-command', 'yes'] })
    client = createClient({ url: redis.url })
    await client.connect()
  })
  beforeEach(async () => {
    await client.flushAll()
  })
  afterAll(async () => {
    for (const each of opened) await each.close()
    client.destroy()
    await redis.stop()
  })

  function store(options: RedisStoreOptions = {}): RedisStore {
    const store = new RedisStore({ ...(options.client === undefined && { url: redis.url }), ...options })
    opened.push(store)
    return store
  }

  function bank(options: RedisBankOptions = {}): RedisBank {
    const bank = new RedisBank({ ...(options.client === undefined && { url: redis.url }), ...options })
    opened.push(bank)
    return bank
  }

  const calls = (store: Store) => ({
    get: promisify(store.get.bind(store)) as (sid: string) => Promise<SessionData | null>,
    set: promisify(store.set.bind(store)) as (sid: string, session: SessionData) => Promise<void>,
    touch: promisify(store.touch!.bind(store)) as (sid: string, session: SessionData) => Promise<void>,
    destroy: promisify(store.destroy.bind(store)) as (sid: string) => Promise<void>,
    length: promisify(store.length!.bind(store)) as () => Promise<number>,
  })

  it('holds what connect-redis writes, followed by whitespace that JSON allows', async () => {
    const theirs = calls(new ConnectRedis({ client }))
    const session = aSession({ user: { name: 'Ünïcödé', roles: ['a', null, 1.5] }, text: '"\\\u2028' })
    await theirs.set('theirs', session)
    for (const owner of [undefined, () => 'ada', () => '😀'.repeat(256)]) {
      const ours = calls(store(owner && { owner }))
      await ours.destroy('ours')
      await ours.set('ours', session)
      const [value, theirValue] = [(await client.get('sess:ours'))!, (await client.get('sess:theirs'))!]
      expect(value.slice(0, theirValue.length)).toBe(theirValue)
      expect(value.slice(theirValue.length)).toMatch(owner ? /^[ \t\n\r]{33,}$/ : /^[ \t\n\r]{32}$/)
      expect(JSON.parse(value)).toEqual(JSON.parse(theirValue))
      expect(await theirs.get('ours')).toEqual(await theirs.get('theirs'))
    }
    const [theirExpiry, ourExpiry] = await Promise.all([client.pExpireTime('sess:theirs'), client.pExpireTime('sess:ours')])
    // connect-redis rounds a lifetime up to whole seconds, and counts from when the command arrives.
    expect(ourExpiry).toBe(new Date(session.cookie.expires!).getTime())
    expect(theirExpiry - ourExpiry).toBeGreaterThanOrEqual(0)
    expect(theirExpiry - ourExpiry).toBeLessThan(2_000)
  })

  it('may hold sessions of connect-redis: they are read, touched, changed and ended', async () => {
    const theirs = calls(new ConnectRedis({ client }))
    const ours = calls(store())
    await theirs.set('a', aSession({ views: 1 }))
    const found = (await ours.get('a'))!
    expect(found).toMatchObject({ views: 1, cookie: { path: '/', originalMaxAge: HOUR } })
    found.cookie.expires = new Date(Date.now() + 2 * HOUR)
    await ours.touch('a', found)
    expect(await client.pExpireTime('sess:a')).toBe(found.cookie.expires.getTime())
    await ours.set('a', { ...found, views: 2 } as unknown as SessionData)
    expect(await theirs.get('a')).toMatchObject({ views: 2 })
    expect(await theirs.length()).toBe(1)
    await ours.destroy('a')
    expect(await theirs.get('a')).toBeNull()
  })

  it('may be written by connect-redis meanwhile: the changes are merged', async () => {
    const theirs = calls(new ConnectRedis({ client }))
    const mine = store()
    const ours = calls(mine)
    await theirs.set('a', aSession({ cart: [], user: 'Ada' }))
    const found = (await ours.get('a'))! as SessionData & { cart: unknown[] }
    const live = mine.createSession({ sessionID: 'a', sessionStore: mine } as never, found) as unknown as typeof found
    await theirs.set('a', aSession({ cart: [], user: 'Ada', theme: 'dark' }))
    live.cart = ['book']
    await ours.set('a', live)
    expect(await theirs.get('a')).toMatchObject({ cart: ['book'], user: 'Ada', theme: 'dark' })
  })

  it('does not extend an absolute time-out by what connect-redis writes', async () => {
    const theirs = calls(new ConnectRedis({ client }))
    const ours = calls(store({ absoluteTimeout: 2 * HOUR }))
    await ours.set('a', aSession({ views: 1 }))
    const latest = Date.now() + 2 * HOUR
    const longer = aSession({ views: 2 })
    longer.cookie.expires!.setTime(Date.now() + 10 * HOUR)
    await theirs.set('a', { ...(await theirs.get('a')), ...longer })
    await theirs.touch('a', longer)
    const found = (await ours.get('a'))!
    expect(found).toMatchObject({ views: 2 })
    expect(new Date(found.cookie.expires!).getTime()).toBeLessThanOrEqual(latest)
    expect(await client.pExpireTime('sess:a')).toBeGreaterThan(latest)
  })

  it('holds sessions that connect-redis reads, touches, changes and ends', async () => {
    const theirs = calls(new ConnectRedis({ client }))
    const ours = calls(store())
    await ours.set('a', aSession({ views: 1 }))
    const found = (await theirs.get('a'))!
    expect(found).toMatchObject({ views: 1 })
    await theirs.set('a', { ...found, views: 2 } as unknown as SessionData)
    expect(await ours.get('a')).toMatchObject({ views: 2 })
    const expires = new Date(Date.now() + 3 * HOUR)
    await theirs.touch('a', { ...found, cookie: { ...found.cookie, expires } } as SessionData)
    const { expires: moved } = ((await ours.get('a')) as SessionData).cookie
    expect(Math.abs(new Date(moved!).getTime() - expires.getTime())).toBeLessThan(2_000)
    await theirs.destroy('a')
    expect(await ours.get('a')).toBeNull()
  })

  it('is searched for a prefix that looks like a pattern, and for no other keys', async () => {
    for (const [prefix, other] of [
      ['s*:', 'sess:'],
      ['s?:', 'sa:'],
      ['[ab]:', 'a:'],
      ['s\\:', 's:'],
      ['[^x]', 'y'],
    ] as const) {
      const [one, two] = [bank({ prefix }), bank({ prefix: other })]
      await one.save('1', { payload: 'one', expires: null })
      await two.save('2', { payload: 'two', expires: null })
      expect(await one.count(Date.now())).toBe(1)
      const found = []
      for await (const [id] of one.scan()) found.push(id)
      expect(found).toEqual(['1'])
      await one.clear()
      expect(await one.read('1')).toBeNull()
      expect(await two.read('2'), `clear() with the prefix ${prefix}`).toMatchObject({ payload: 'two' })
      await client.flushAll()
    }
  })

  it('is searched behind the keyPrefix of ioredis', async () => {
    const mine = new Redis({ port: redis.port, keyPrefix: 'app*:' })
    await client.set('app:sess:x', 'another application’s')
    const it = bank({ client: mine })
    const version = await it.save('a', { payload: 'one', expires: null, owner: 'ada' })
    expect(await client.keys('*')).toEqual(expect.arrayContaining(['app*:sess:a', 'app:sess:x']))
    expect(await it.swap('a', version, { payload: 'two', expires: null, owner: 'ada' })).not.toBe(null)
    expect(await listed(it.idsOf('ada'))).toEqual(['a'])
    await it.touch('a', Date.now() + HOUR)
    expect(await it.count(Date.now())).toBe(1)
    const found = []
    for await (const [id, { payload }] of it.scan()) found.push([id, payload])
    expect(found).toEqual([['a', 'two']])
    await it.clear()
    expect(await client.keys('*')).toEqual(['app:sess:x'])
    mine.disconnect()
  })

  it('has what connect-redis stored with the keyPrefix of node-redis, if that goes in front of the prefix', async () => {
    const prefixed = await createClient({ url: redis.url, keyPrefix: 'app:' }).connect()
    await calls(new ConnectRedis({ client: prefixed })).set('sid', aSession({ n: 1 }))
    expect(await store({ client: prefixed }).get('sid')).toBeNull()
    expect(await store({ client: prefixed, prefix: 'app:sess:' }).get('sid')).toMatchObject({ n: 1 })
    prefixed.destroy()
  })

  it('is not cleared with an empty prefix, unless clearWholeDatabase is set', async () => {
    await client.set('somebody else’s', '1')
    const careless = bank({ prefix: '' })
    await expect(careless.clear()).rejects.toMatchObject({ code: 'DATABANK_NOT_SUPPORTED' })
    await expect(careless.purge(Date.now() + 60_000)).rejects.toMatchObject({ code: 'DATABANK_NOT_SUPPORTED' })
    expect(await client.dbSize()).toBe(1)
    await bank({ prefix: '', clearWholeDatabase: true }).clear()
    expect(await client.dbSize()).toBe(0)
  })

  it('is listed completely and each session once while its table shrinks, when SCAN repeats keys', async () => {
    const it = bank()
    let repeats = 0
    // Chance decides where the scan is: one time in sixteen SCAN repeats nothing. Other ids each time, as a server hashes the same id to
    // the same slot of its table until it restarts.
    for (let attempt = 0; attempt < 10 && repeats === 0; attempt++) {
      const ids = Array.from({ length: 10 }, (_, index) => `id-${attempt}-${index}`)
      await client.flushAll()
      await client.sendCommand(['DEBUG', 'POPULATE', '200000', 'foreign', '1'])
      await Promise.all(ids.map((id) => it.save(id, { payload: id, expires: null })))
      const [scan, bare] = [it.scan(), bareScan()]
      const found = [(await scan.next()).value![0] as string]
      const all = [...(await bare.next()).value!]
      await shrink()
      for await (const [id] of scan) found.push(id)
      for await (const keys of bare) all.push(...keys)
      expect(found.sort()).toEqual(ids)
      repeats = all.length - new Set(all).size
    }
    expect(repeats).toBeGreaterThan(0)
  })

  /** The pages of SCAN that are not empty. */
  async function* bareScan(): AsyncGenerator<string[]> {
    let cursor = '0'
    do {
      const page = await client.scan(cursor, { MATCH: 'sess:*', COUNT: 1_000 })
      if (page.keys.length > 0) yield page.keys
      cursor = page.cursor
    } while (cursor !== '0')
  }

  /** Removes the foreign keys, and waits until the server has made its table smaller. */
  async function shrink(): Promise<void> {
    for (let start = 0; start < 200_000; start += 10_000) {
      await client.unlink(Array.from({ length: 10_000 }, (_, index) => `foreign:${start + index}`))
    }
    const size = async () => Number(/table size: (\d+)/.exec(String(await client.sendCommand(['DEBUG', 'HTSTATS', '0'])))![1])
    await until(async () => (await size()) < 1_000, 'the table to shrink')
  }

  it('is read without a mixture of two entries, when another process writes between payload and expiry', async () => {
    const proxy = await startProxy(redis.port)
    const [slow, fast] = [bank({ url: `redis://127.0.0.1:${proxy.port}` }), bank()]
    const expires = Date.now() + HOUR
    const version = await fast.save('a', { payload: 'old', expires })
    await slow.read('a')

    const between = async (change: () => Promise<unknown>) => {
      const held = proxy.holdAt('*2\r\n$11\r\nPEXPIRETIME')
      const reading = slow.read('a')
      const release = await held
      // The payload may have been read by now, or not: both must work, so the test does not wait for it.
      await change()
      release()
      return reading
    }
    const touched = await between(() => fast.touch('a', expires + 1))
    expect(touched).toEqual({ payload: 'old', expires: expires + 1, owner: null, version })
    const overwritten = (await between(() => fast.save('a', { payload: 'new', expires: expires + 2 })))!
    expect(overwritten.expires).toBe(expires + 2)
    expect(await slow.swap('a', version, { payload: 'lost update', expires })).toBe(null)
    expect(await between(() => fast.delete('a'))).toBeNull()
    await proxy.close()
  })
})
