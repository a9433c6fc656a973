// Each race between a near cache and its server, forced.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { gatedBank } from '@connect-databank/conformance'
import { type Bank, DatabankStore, type Stored } from 'connect-databank'
import { DEFAULT_CONTEXT, versionOf } from 'connect-databank/backend'
import type { SessionData } from 'express-session'
import { BasicClientSideCache, createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../testing/program.js'
import { startProxy } from '../../../testing/proxy.js'
import { server } from '../../../testing/servers/index.js'
import { type Binary, type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { RedisStore as PlainStore, RedisBank, type RedisBankOptions } from '../src/index.ts'
import { NearCache } from '../src/near-cache/cache.ts'
import { withNearCache } from '../src/near-cache/layer.ts'
import { track } from '../src/near-cache/tracking.ts'
import { openBank, RedisStore } from '../src/near-cache.ts'
import { aSession, get, listed } from './requests.ts'

const HOUR = 3_600_000
const at = Date.now()
const [one, two] = [
  { payload: 'one', expires: at + HOUR },
  { payload: 'two', expires: at + 2 * HOUR },
]

/** Keeps the server busy for a tenth of a second. */
const BUSY = `
local function now() local time = redis.call('TIME') return time[1] * 1e6 + time[2] end
local start = now()
repeat until now() > start + 1e5
`

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A cache that tells a test when it has news of a change. */
class ObservedCache extends NearCache {
  #onNews: (() => void) | undefined

  news(): Promise<void> {
    return new Promise((resolve) => {
      this.#onNews = resolve
    })
  }

  override changed(id: string | null): void {
    super.changed(id)
    this.#onNews?.()
  }
}

function near(port: number, options: RedisBankOptions = {}, maxBytes = 1_000_000) {
  const cache = new ObservedCache(maxBytes)
  const own = new RedisBank({ url: `redis://127.0.0.1:${port}`, ...options }, DEFAULT_CONTEXT, track(cache, options.prefix))
  const below = gatedBank(own)
  const bank = withNearCache(below as unknown as RedisBank, cache) as Required<Bank>
  ends.push(() => bank.close())
  return { bank, below, cache }
}

function assertStored(actual: Stored | null, expected: object | null, message?: string): void {
  if (expected === null) expect(actual, message).toBe(null)
  else expect(actual, message).toMatchObject(expected)
}

/** The session as a request loads it. */
async function loaded(store: DatabankStore, sid: string): Promise<SessionData> {
  const { code, value } = await get(store, sid)
  expect(code).toBeUndefined()
  return value as SessionData
}

/** Saves the session. A loaded one remembers what it was loaded as. */
function save(store: DatabankStore, sid: string, session: SessionData): Promise<void> {
  return new Promise((resolve, reject) => store.set(sid, session, (error) => (error ? reject(error) : resolve())))
}

function far(port: number): Bank {
  const bank = new RedisBank({ url: `redis://127.0.0.1:${port}` })
  ends.push(() => bank.close())
  return bank
}

const VERSIONS = { redis: 'Redis', 'redis-oldest': 'Redis 6.2', 'redis-recent': 'Redis 8', valkey: 'Valkey' }
for (const [name, title] of Object.entries(VERSIONS)) {
  describe.skipIf(server(name).missing)(`a near cache on ${title}`, () => {
    let redis: RedisServer
    beforeAll(async () => {
      redis = await startRedis({ binary: server(name)['binary'] as Binary })
    })
    afterAll(() => redis.stop())
    beforeEach(() => redis.admin(['FLUSHALL']))

    it('returns what it has read, until it is changed elsewhere', async () => {
      const { bank, below } = near(redis.port)
      const changes: Record<string, [commands: string[][], then: object | null]> = {
        written: [[['SET', 'sess:a', 'two', 'PXAT', `${two.expires}`]], two],
        touched: [[['PEXPIREAT', 'sess:a', `${two.expires}`]], { ...one, expires: two.expires }],
        'made to stay': [[['PERSIST', 'sess:a']], { ...one, expires: null }],
        deleted: [[['UNLINK', 'sess:a']], null],
        renamed: [[['RENAME', 'sess:a', 'b']], null],
        'flushed with all': [[['FLUSHALL']], null],
        'flushed later': [[['FLUSHALL', 'ASYNC']], null],
        'written by a script': [[['EVAL', `redis.call('SET', KEYS[1], 'two', 'PXAT', '${two.expires}')`, '1', 'sess:a']], two],
        'written in a transaction': [[['MULTI'], ['SET', 'sess:a', 'two', 'PXAT', `${two.expires}`], ['EXEC']], two],
        'twice written': [
          [
            ['SET', 'sess:a', 'between'],
            ['SET', 'sess:a', 'two', 'PXAT', `${two.expires}`],
          ],
          two,
        ],
      }
      for (const [change, [commands, then]] of Object.entries(changes)) {
        await bank.save('a', one)
        expect(await bank.read('a'), change).toMatchObject(one)
        const reads = below.calls('read')
        for (let count = 0; count < 3; count++) expect(await bank.read('a'), change).toMatchObject(one)
        expect(below.calls('read'), change).toBe(reads)
        await redis.admin(...commands)
        // News comes before the answer to what was asked later.
        await bank.open()
        assertStored(await bank.read('a'), then, change)
      }
    })

    it('publishes which reads it answers', async () => {
      const { bank } = near(redis.port)
      const messages: unknown[] = []
      const listener = (message: unknown): void => void messages.push(message)
      subscribe('connect-databank:event', listener)
      ends.push(() => unsubscribe('connect-databank:event', listener))
      await bank.read('a')
      expect(messages).toEqual([])
      await bank.save('a', one)
      await bank.read('a')
      messages.length = 0
      await bank.read('a')
      await bank.readMany(['a', 'b'])
      expect(messages).toEqual(Array(2).fill({ event: 'cached', backend: 'redis' }))
    })

    it('drops what this process writes', async () => {
      const { bank } = near(redis.port)
      const touched = { ...one, expires: two.expires }
      await bank.save('a', two)
      const writes: [write: () => Promise<unknown>, then: object | null][] = [
        [() => bank.save('a', one), one],
        [() => bank.touch('a', two.expires, Date.now()), touched],
        [() => bank.touch('a', null, Date.now()), { ...one, expires: null }],
        [async () => bank.swap('a', versionOf((await bank.read('a'))!), two, Date.now()), two],
        [() => bank.delete('a'), null],
        [() => bank.swap('a', null, one, Date.now()), one],
        [() => bank.clear(), null],
        [() => bank.save('a', one), one],
        [() => bank.purge(one.expires), null],
      ]
      for (const [write, then] of writes) {
        await bank.read('a')
        await bank.read('a')
        await write()
        assertStored(await bank.read('a'), then)
      }
    })

    it('has news of what scripts of its own connection change, and none of what its commands change', async () => {
      const changes: (string | null)[] = []
      const listener = { on: () => {}, off: () => {}, changed: (id: string | null) => void changes.push(id) }
      const tracking = track(listener)
      const options = { url: redis.url, RESP: 3 as const, ...tracking.clientOptions({ BasicClientSideCache } as never) }
      const own = await createClient(options).connect()
      ends.push(() => own.destroy())
      const newsOf = async (command: string[]) => {
        await own.sendCommand(['SET', 'sess:a', 'one'])
        // News comes before the answer to what was asked later.
        await own.sendCommand(['PING'])
        changes.length = 0
        await own.sendCommand(command)
        await own.sendCommand(['PING'])
        return [...changes]
      }
      for (const change of [['SET', 'two'], ['PEXPIREAT', `${two.expires}`], ['PERSIST'], ['DEL']]) {
        const [name, ...args] = change as [string, ...string[]]
        const script = `redis.call('PEXPIREAT', KEYS[1], ${one.expires}) return redis.call('${name}', KEYS[1], unpack(ARGV))`
        const sha = (await own.sendCommand(['SCRIPT', 'LOAD', script])) as unknown as string
        expect(await newsOf([name, 'sess:a', ...args]), name).toEqual([])
        expect(await newsOf(['EVAL', script, '1', 'sess:a', ...args]), `${name} by EVAL`).toEqual(['a'])
        expect(await newsOf(['EVALSHA', sha, '1', 'sess:a', ...args]), `${name} by EVALSHA`).toEqual(['a'])
      }
    })

    it('does not keep an answer that the news of a change has overtaken', async () => {
      const proxy = await startProxy(redis.port)
      ends.push(() => proxy.close())
      const { bank, below, cache } = near(proxy.port)
      await redis.admin(['SET', 'sess:a', 'one', 'PXAT', `${one.expires}`])
      // Redis 6.2 has no PEXPIRETIME: found out by the first read.
      await bank.read('missing')
      // The payload is read, and the command for the expiry is held: the news arrives before the answer.
      const held = proxy.holdAt(name === 'redis-oldest' ? 'EVALSHA' : 'PEXPIRETIME')
      const reading = bank.read('a')
      const release = await held
      const news = cache.news()
      await redis.admin(['SET', 'sess:a', 'two', 'PXAT', `${two.expires}`])
      await news
      release()
      expect((await reading)?.payload).toBe('one')
      expect(cache.size).toBe(0)
      expect(await bank.read('a')).toMatchObject(two)
      expect(await bank.read('a')).toMatchObject(two)
      expect(below.calls('read')).toBe(3)
    })
  })
}

describe.skipIf(server('redis').missing)('a near cache', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())
  beforeEach(() => redis.admin(['FLUSHALL']))

  async function proxied() {
    const proxy = await startProxy(redis.port)
    ends.push(() => proxy.close())
    return proxy
  }

  it('does not keep an answer that a write of this process has overtaken', async () => {
    const { bank, below } = near(redis.port)
    await bank.open()
    const writes: [write: () => Promise<unknown>, then: object | null][] = [
      [() => bank.save('a', two), two],
      [() => bank.touch('a', two.expires, Date.now()), { ...one, expires: two.expires }],
      [() => bank.clear(), null],
    ]
    for (const [write, then] of writes) {
      await redis.admin(['SET', 'sess:a', 'one', 'PXAT', `${one.expires}`])
      // News comes before the answer to what was asked later: the entry is dropped, and the next read asks the server.
      await bank.open()
      below.hold('read')
      const reading = bank.read('a')
      const read = await below.held('read')
      await read.perform()
      await write()
      below.releaseAll()
      await reading
      assertStored(await bank.read('a'), then)
    }
  })

  it('does not keep what was read while a write of this process was waiting', async () => {
    const { bank, below } = near(redis.port)
    await bank.save('a', one)
    below.hold('save')
    const writing = bank.save('a', two)
    await below.held('save')
    expect(await bank.read('a')).toMatchObject(one)
    below.releaseAll()
    await writing
    expect(await bank.read('a')).toMatchObject(two)
  })

  it('does not keep what a write of this process has stored before another that began earlier', async () => {
    const { bank, below } = near(redis.port)
    await bank.open()
    below.hold('save')
    const [first, second] = [bank.save('a', one), bank.save('a', two)]
    const [firstCall, secondCall] = [await below.held('save'), await below.held('save')]
    await secondCall.release()
    await second
    await firstCall.release()
    await first
    expect(await bank.read('a')).toMatchObject(one)
  })

  it('keeps what a write or a touch of this process has stored', async () => {
    const { bank, below } = near(redis.port)
    await bank.save('a', one)
    await bank.touch('a', two.expires, Date.now())
    expect(await bank.read('a')).toMatchObject({ ...one, expires: two.expires })
    await bank.touch('a', null, Date.now())
    expect(await bank.read('a')).toMatchObject({ ...one, expires: null })
    await bank.save('a', two)
    expect(await bank.read('a')).toMatchObject(two)
    expect(below.calls('read')).toBe(0)
    await bank.touch('missing', two.expires, Date.now())
    expect(await bank.read('missing')).toBe(null)
  })

  it('does not keep what a touch has read if there is news meanwhile', async () => {
    const proxy = await proxied()
    const { bank, below, cache } = near(proxy.port)
    await bank.save('a', one)
    const held = proxy.holdAt('GETEX')
    const touching = bank.touch('a', two.expires, Date.now())
    const release = await held
    const news = cache.news()
    await redis.admin(['SET', 'sess:a', 'three'])
    await news
    release()
    await touching
    expect(cache.size).toBe(0)
    expect(await bank.read('a')).toMatchObject({ payload: 'three', expires: two.expires })
    expect(below.calls('read')).toBe(1)
  })

  it('has from its own touch a change that the server does not report', async () => {
    // With NOLOOP, the server does not report a key that another client changed and this one touched in the same event loop iteration.
    const { bank } = near(redis.port)
    const other = await createClient({ url: redis.url }).connect()
    ends.push(() => other.destroy())
    for (const count of [1, 2, 3, 4]) {
      await bank.save('a', one)
      const busy = redis.admin(['EVAL', BUSY, '0'])
      await sleep(20)
      const theirs = other.sendCommand(['SET', 'sess:a', `theirs ${count}`])
      await sleep(20)
      await Promise.all([bank.touch('a', two.expires, Date.now()), theirs, busy])
      expect((await bank.read('a'))?.payload).toBe(`theirs ${count}`)
    }
  })

  it('keeps nothing before the server reports changes', async () => {
    const { bank, cache } = near(redis.port)
    await redis.admin(['SET', 'sess:a', 'one'])
    expect(await bank.read('a')).toMatchObject({ payload: 'one', expires: null })
    expect(cache.size).toBe(0)
    await bank.read('a')
    expect(cache.size).toBe(1)
  })

  it('keeps nothing that was read on the connection before', async () => {
    const { bank, below, cache } = near(redis.port)
    await bank.save('a', one)
    below.hold('read')
    const reading = bank.read('a')
    const read = await below.held('read')
    await read.perform()
    await redis.admin(['CLIENT', 'KILL', 'TYPE', 'NORMAL'])
    await until(async () => (await bank.count(0).catch(() => 0)) === 1, 'another connection')
    below.releaseAll()
    expect(await reading).toMatchObject(one)
    expect(cache.size).toBe(0)
  })

  it('drops everything when the connection is lost, and keeps nothing until changes are reported again', async () => {
    const proxy = await proxied()
    const { bank, below, cache } = near(proxy.port, { offlineWait: 200 })
    const other = far(redis.port)
    await other.save('a', one)
    await bank.open()
    expect(await bank.read('a')).toMatchObject(one)
    await proxy.refuse()
    const refused = () =>
      bank.read('a').then(
        () => false,
        ({ code }) => code === 'DATABANK_UNAVAILABLE',
      )
    await until(refused, 'the loss to be noticed', 2_000)
    await other.save('a', two)
    // There is a connection, and the server does not report changes yet.
    const held = proxy.holdAt('TRACKING')
    await proxy.listen()
    const release = await held
    expect(await refused()).toBe(true)
    release()
    await until(async () => !(await refused()), 'the connection')
    expect(await bank.read('a')).toMatchObject(two)
    const reads = below.calls('read')
    expect(await bank.read('a')).toMatchObject(two)
    expect(below.calls('read')).toBe(reads)
    const news = cache.news()
    await other.save('a', one)
    await news
    expect(await bank.read('a')).toMatchObject(one)
  })

  it('drops everything when the bank connects to another master', async () => {
    const [proxy, next] = [await proxied(), await startRedis()]
    ends.push(async () => {
      await redis.admin(['REPLICAOF', 'NO', 'ONE'])
      await next.stop()
    })
    const { bank } = near(proxy.port)
    await bank.save('a', one)
    await bank.read('a')
    await next.admin(['SET', 'sess:a', 'two', 'PXAT', `${two.expires}`])
    await redis.admin(['REPLICAOF', '127.0.0.1', '1'])
    proxy.target = next.port
    await expect(bank.save('b', one)).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
    expect(await bank.read('a')).toMatchObject(two)
  })

  it('returns nothing after close', async () => {
    const { bank } = near(redis.port)
    await bank.save('a', one)
    await bank.read('a')
    const closing = bank.close()
    await expect(bank.read('a')).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
    await closing
    await expect(bank.read('a')).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
  })

  it('drops everything when the server is silent', async () => {
    const proxy = await proxied()
    const { bank } = near(proxy.port)
    const other = far(redis.port)
    await other.save('a', one)
    await bank.open()
    expect(await bank.read('a')).toMatchObject(one)
    proxy.silence()
    proxy.speak()
    await other.save('a', two)
    const isKept = () => Promise.race([bank.read('a').then(() => true), sleep(25).then(() => false)])
    expect(await isKept()).toBe(true)
    await until(async () => !(await isKept()), 'the silence to be noticed', 2_500)
    await until(
      () =>
        bank.read('a').then(
          (entry) => entry?.payload === 'two',
          () => false,
        ),
      'another connection',
      10_000,
    )
  }, 20_000)

  it('keeps entries again when the server is no longer silent', async () => {
    const { bank, cache } = near(redis.port)
    await bank.save('a', one)
    await bank.read('a')
    redis.program.freeze()
    ends.push(() => redis.program.thaw())
    await until(() => cache.size === 0, 'the silence to be noticed', 2_500)
    redis.program.thaw()
    await until(async () => (await bank.read('a')) !== null && cache.size === 1, 'it to keep again', 2_500)
  })

  it('costs a merge when it is behind, and no update is lost', async () => {
    const proxy = await proxied()
    const { bank } = near(proxy.port)
    const store = new DatabankStore({ bank })
    const other = new PlainStore({ url: redis.url })
    ends.push(() => other.close())
    await save(other, 'a', aSession({ user: 'Ada' }))
    await store.open()
    expect(await loaded(store, 'a')).toMatchObject({ user: 'Ada' })
    // From now on this process is behind.
    const release = proxy.holdAnswers()
    const theirs = await loaded(other, 'a')
    await save(other, 'a', Object.assign(theirs, { theirs: 1 }))
    const ours = await loaded(store, 'a')
    expect(ours).not.toHaveProperty('theirs')
    const saving = save(store, 'a', Object.assign(ours, { ours: 1 }))
    release()
    await saving
    for (const each of [store, other]) expect(await loaded(each, 'a')).toMatchObject({ user: 'Ada', theirs: 1, ours: 1 })
  })

  it('does not bring a session back that was destroyed elsewhere while it was behind', async () => {
    const proxy = await proxied()
    const { bank } = near(proxy.port)
    const store = new DatabankStore({ bank })
    const other = new PlainStore({ url: redis.url })
    ends.push(() => other.close())
    for (const change of [{ ours: 1 }, {}]) {
      await save(other, 'a', aSession({ user: 'Ada' }))
      await bank.open()
      expect(await loaded(store, 'a')).toMatchObject({ user: 'Ada' })
      const release = proxy.holdAnswers()
      await new Promise((resolve) => other.destroy('a', resolve))
      const ours = await loaded(store, 'a')
      expect(ours).toMatchObject({ user: 'Ada' })
      // As at the end of a request: a save that changes no data reads from the cache.
      ours.cookie.expires = new Date(Date.now() + 2 * HOUR)
      const saving = save(store, 'a', Object.assign(ours, change))
      release()
      await saving
      expect((await get(store, 'a')).value).toBe(null)
      expect(await redis.admin(['EXISTS', 'sess:a'])).toBe(0)
    }
  })

  it('takes no more memory than it may, and drops the least recently used', async () => {
    const { bank, cache, below } = near(redis.port, {}, 100_000)
    const payload = 'x'.repeat(1_000)
    // A dropped entry takes no memory: all of these together would fill the cache twice.
    await bank.save('kept', { payload, expires: null })
    await bank.read('kept')
    for (let count = 0; count < 200; count++) {
      await bank.save('changing', { payload, expires: null })
      await bank.read('changing')
    }
    const before = below.calls('read')
    await bank.read('kept')
    expect(below.calls('read')).toBe(before)
    const ids = Array.from({ length: 300 }, (_, index) => `${index}`)
    await Promise.all(ids.map((id) => bank.save(id, { payload, expires: null })))
    for (const id of ids) {
      await bank.read(id)
      await bank.read('0')
    }
    expect(cache.size).toBeGreaterThan(30)
    expect(cache.size).toBeLessThan(100)
    const reads = below.calls('read')
    for (const id of ['0', '299', '298']) await bank.read(id)
    expect(below.calls('read')).toBe(reads)
    await bank.read('1')
    expect(below.calls('read')).toBe(reads + 1)
    // It keeps neither what is too large for it, nor that an entry is missing.
    const { size } = cache
    await bank.save('large', { payload: 'é'.repeat(30_000), expires: null })
    await bank.read('large')
    for (const id of ids) await bank.read(`missing ${id}`)
    expect(cache.size).toBe(size)
    for (const id of ids) await bank.delete(id)
    expect(cache.size).toBe(0)
  })

  it('returns no expired entry', async () => {
    const { bank, below, cache } = near(redis.port)
    await bank.open()
    // Kept as if it had been read. It expires by the clock of this process.
    const entry = { payload: 'one', expires: Date.now() + 100 }
    await cache.reading('a', Promise.resolve(entry))
    expect(cache.size).toBe(1)
    await until(() => Date.now() > entry.expires, 'the expiry')
    expect(await bank.read('a')).toBe(null)
    expect(below.calls('read')).toBe(1)
    expect(cache.size).toBe(0)
  })

  it('has news of the keys of its prefix, whatever the prefix is', async () => {
    for (const [prefix, id] of [
      ['', 'a'],
      ['é*[', '*ü'],
      ['sess:', '\n\0'],
    ] as const) {
      const url = redis.url
      const [bank, other] = [openBank(url, { prefix }), new RedisBank({ url, prefix })] as Bank[]
      ends.push(
        () => bank!.close!(),
        () => other!.close!(),
      )
      await other!.save(id, one)
      expect(await bank!.read(id)).toMatchObject(one)
      await other!.save(id, two)
      await bank!.open!()
      expect(await bank!.read(id)).toMatchObject(two)
    }
  })

  it('rejects with DATABANK_DENIED if the user may not track changes', async () => {
    const acl = ['user default on nopass ~* &* +@all', 'user app on >secret ~sess:* -@all +get +mget +pexpiretime +set']
    const strict = await startRedis({ acl })
    ends.push(() => strict.stop())
    const url = strict.url.replace('//', '//app:secret@')
    const bank = openBank(url) as Required<Bank>
    ends.push(() => bank.close())
    await expect(bank.open()).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
    await expect(bank.read('a')).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
    await strict.admin(['ACL', 'SETUSER', 'app', '+client|tracking'])
    // An attempt to connect that began before may still fail, and `open` with it.
    const tracks = async () => /flags=\w*t.* user=app\b/.test(String(await strict.admin(['CLIENT', 'LIST'])))
    await until(tracks, 'a connection with the new rights')
    await bank.open()
    await bank.save('a', one)
    expect(await bank.read('a')).toMatchObject(one)
  })

  it('tells core to keep parsed sessions, which the bank without it does not', () => {
    expect(openBank('redis://localhost').isLocal).toBe(true)
    expect((new RedisBank() as Bank).isLocal).toBeUndefined()
  })

  it('is refused where it cannot work', async () => {
    const invalid = expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' })
    const client = { sendCommand: async () => null, isOpen: true }
    for (const options of [
      { client },
      { client: undefined },
      { nearCacheBytes: 0 },
      { nearCacheBytes: '1' },
      { nearCache: true },
      { maxBytes: 1 },
      { clientOptions: { RESP: 2 } },
      { clientOptions: { clientSideCache: {} } },
    ]) {
      expect(() => new RedisStore(options as object), JSON.stringify(options)).toThrow(invalid)
    }
    for (const nearCacheBytes of [undefined, 1]) await new RedisStore({ nearCacheBytes } as object).close()
  })

  it('keeps owners and versions, and lists the sessions of an owner', async () => {
    const { bank, below } = near(redis.port)
    await bank.open()
    const entry = { ...one, owner: 'ada' }
    const version = await bank.save('a', entry)
    const expected = { ...entry, version }
    expect(await bank.read('a')).toEqual(expected)
    await bank.touch('a', two.expires, Date.now())
    expect(await bank.read('a')).toEqual({ ...expected, expires: two.expires })
    const next = await bank.swap('a', version!, { ...two, owner: 'bob' }, Date.now())
    expect(await bank.read('a')).toEqual({ ...two, owner: 'bob', version: next })
    expect(await bank.readMany(['a', 'missing'])).toEqual([{ ...two, owner: 'bob', version: next }, null])
    expect(await listed(bank.idsOf('ada'))).toEqual([])
    expect(await listed(bank.idsOf('bob'))).toEqual(['a'])
    expect(below.calls('touchAndRead' as never)).toBe(1)
  })
})
