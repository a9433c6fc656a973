// The connection of a bank with a URL, while the real server or the network fails.
import { afterEach, describe, expect, it } from 'vitest'
import { isListening, refusingPort, until } from '../../../testing/program.js'
import { startProxy } from '../../../testing/proxy.js'
import { server } from '../../../testing/servers/index.js'
import { type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { type RedisBankOptions, RedisStore } from '../src/index.ts'
import { all, get, set, works } from './requests.ts'

const TIMEOUT = 1_500
/** The store's time-out may come late, and the machine may be busy. */
const WITHIN = TIMEOUT + 1_000

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function started(options: Parameters<typeof startRedis>[0] = {}): Promise<RedisServer> {
  const redis = await startRedis(options)
  ends.push(() => redis.stop())
  return redis
}

async function proxied(redis: RedisServer) {
  const proxy = await startProxy(redis.port)
  ends.push(() => proxy.close())
  return proxy
}

function opened(port: number, options: RedisBankOptions = {}, credentials = ''): RedisStore {
  const url = `redis://${credentials}127.0.0.1:${port}`
  const store = new RedisStore({ url, timeout: TIMEOUT, offlineWait: 800, stallTimeout: 800, ...options })
  ends.push(() => store.close())
  return store
}

describe.skipIf(server('redis').missing)('a bank with a URL', () => {
  it('works when a server starts that was down at first', async () => {
    const { port, free } = await refusingPort()
    const store = opened(port)
    await expect(store.open()).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE', cause: { code: 'ECONNREFUSED' } })
    for (const { code, cause, milliseconds } of await all(store, 'a')) {
      expect(code).toBe('DATABANK_UNAVAILABLE')
      expect(cause).toContain('ECONNREFUSED')
      expect(milliseconds).toBeLessThan(WITHIN)
    }
    await free()
    await started({ port })
    await works(store)
  })

  it('works when a server that was killed has restarted, and loses no session that the server kept', async () => {
    const redis = await started({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    const store = opened(redis.port)
    await set(store, 'kept', { who: 'Ada' })
    await redis.program.stop()
    for (const { code, milliseconds } of await all(store, 'a')) {
      expect(code).toBe('DATABANK_UNAVAILABLE')
      expect(milliseconds).toBeLessThan(WITHIN)
    }
    await redis.program.start()
    await works(store)
    expect((await get(store, 'kept')).value).toMatchObject({ who: 'Ada' })
  })

  it('lets operations wait for a connection that is made again soon', async () => {
    const redis = await started()
    const proxy = await proxied(redis)
    const store = opened(proxy.port, { offlineWait: 1_400 })
    await store.open()
    await proxy.refuse()
    await until(async () => (await get(store, 'a')).code === 'DATABANK_UNAVAILABLE', 'the loss to be noticed')
    const waiting = all(store, 'a')
    await proxy.listen()
    expect((await waiting).map(({ code }) => code)).toEqual([undefined, undefined, undefined, undefined])
  })

  it('ends every operation in time while the server hangs, and works when it continues', async () => {
    const redis = await started()
    const store = opened(redis.port)
    await store.open()
    redis.program.freeze()
    for (const { code, milliseconds } of await all(store, 'a')) {
      expect(['DATABANK_TIMEOUT', 'DATABANK_UNAVAILABLE']).toContain(code)
      expect(milliseconds).toBeLessThan(WITHIN)
    }
    redis.program.thaw()
    await works(store)
  })

  it('replaces a connection whose other end has vanished', async () => {
    const redis = await started()
    const proxy = await proxied(redis)
    const store = opened(proxy.port)
    await works(store)
    proxy.silence()
    expect(['DATABANK_TIMEOUT', 'DATABANK_UNAVAILABLE']).toContain((await get(store, 'a')).code)
    proxy.speak()
    // The old connection stays silent: only a new one can work.
    await works(store, 2_000)
  })

  it('works after a connection is cut before, after and within a reply', async () => {
    const redis = await started()
    const proxy = await proxied(redis)
    const store = opened(proxy.port)
    const direct = opened(redis.port)
    const cuts = {
      before: () => proxy.cutBefore('cut me'),
      after: () => proxy.cutAfter('cut me'),
      within: () => proxy.cutWithin('cut me', 3),
    }
    for (const [moment, cut] of Object.entries(cuts)) {
      await works(store)
      const sprung = cut()
      const answer = await set(store, moment, { text: 'cut me' })
      await sprung
      expect(answer, moment).toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
      const { value } = await get(direct, moment)
      expect(value === null, 'a write that failed before it was sent is there').toBe(moment === 'before')
    }
    await works(store)
    const sprung = proxy.cutWithin('PEXPIRETIME', 40)
    expect((await get(store, 'within')).code).toBe('DATABANK_UNAVAILABLE')
    await sprung
    expect((await get(store, 'within')).value).toMatchObject({ text: 'cut me' })
  })

  it('connects anew when its master became a replica', async () => {
    const [old, next] = [await started(), await started()]
    const proxy = await proxied(old)
    const store = opened(proxy.port)
    await works(store)
    await old.admin(['REPLICAOF', '127.0.0.1', `${next.port}`])
    expect(await set(store, 'a')).toMatchObject({ code: 'DATABANK_UNAVAILABLE', cause: expect.stringContaining('READONLY') })
    // The address now leads to the new master, as after a failover by DNS: the connection to the old one would stay open.
    proxy.target = next.port
    await works(store, 2_000)
    expect(await next.admin(['EXISTS', 'sess:again'])).toBe(1)
  })

  it('rejects with DATABANK_FULL when the server is full', async () => {
    const redis = await started({ args: ['--maxmemory-policy', 'noeviction'] })
    const store = opened(redis.port)
    await set(store, 'kept', { who: 'Ada' })
    await redis.admin(['CONFIG', 'SET', 'maxmemory', '1'])
    expect((await set(store, 'new')).code).toBe('DATABANK_FULL')
    // The session was read, so this write is a swap, by a script.
    const { value } = await get(store, 'kept')
    expect(value).toMatchObject({ who: 'Ada' })
    expect(await set(store, 'kept', { who: 'Grace' })).toMatchObject({
      code: 'DATABANK_FULL',
      cause: expect.stringContaining('OOM'),
    })
    await redis.admin(['CONFIG', 'SET', 'maxmemory', '0'])
    await works(store)
  })

  it('rejects at once with DATABANK_DENIED when the password is missing or wrong', async () => {
    const redis = await started({ acl: ['user default on >right ~* &* +@all'] })
    for (const credentials of ['', ':wrong@', 'nobody:right@']) {
      const store = opened(redis.port, {}, credentials)
      await expect(store.open()).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
      for (const { code, milliseconds } of await all(store, 'a')) {
        expect(code, credentials).toBe('DATABANK_DENIED')
        expect(milliseconds).toBeLessThan(700)
      }
    }
    await works(opened(redis.port, {}, ':right@'))
  })

  it('works when a password is valid again that was changed', async () => {
    const redis = await started({ acl: ['user default on nopass ~* &* +@all', 'user app on >old ~* &* +@all'] })
    const store = opened(redis.port, {}, 'app:old@')
    await works(store)
    await redis.admin(['ACL', 'SETUSER', 'app', '<old', '>new'], ['CLIENT', 'KILL', 'USER', 'app'])
    await until(async () => (await get(store, 'a')).code === 'DATABANK_DENIED', 'the refusal', 1_000)
    expect((await get(store, 'a')).milliseconds).toBeLessThan(700)
    const late = opened(redis.port, {}, 'app:old@')
    await expect(late.open()).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
    await redis.admin(['ACL', 'SETUSER', 'app', '>old'])
    await works(store)
    await works(late)
  })

  it('rejects with DATABANK_DENIED when a right is missing', async () => {
    const redis = await started({ acl: ['user default on nopass ~* &* +@all', 'user app on >old ~* &* +@read +@write -set'] })
    const store = opened(redis.port, {}, 'app:old@')
    expect(await set(store, 'a')).toMatchObject({ code: 'DATABANK_DENIED', cause: expect.stringContaining('NOPERM') })
    expect((await get(store, 'a')).code).toBeUndefined()
  })

  it('works when the server has loaded its data', async () => {
    const slowly = ['--key-load-delay', '2000', '--loading-process-events-interval-bytes', '1024']
    const redis = await started({ args: ['--rdbcompression', 'no', ...slowly], ready: isListening })
    const store = opened(redis.port)
    await set(store, 'kept', { who: 'Ada' })
    const more = Array.from({ length: 800 }, (_, index) => ['SET', `more:${index}`, 'x'.repeat(100)])
    await redis.admin(...more, ['SAVE'])
    await redis.program.restart()
    await until(async () => {
      const { code, cause, milliseconds } = await get(store, 'kept')
      expect(code).toBe('DATABANK_UNAVAILABLE')
      expect(milliseconds).toBeLessThan(WITHIN)
      return cause.includes('LOADING')
    }, 'the server to say that it loads')
    await until(async () => (await redis.info('persistence')).includes('\nloading:0'), 'the data to be loaded')
    await works(store)
    expect((await get(store, 'kept')).value).toMatchObject({ who: 'Ada' })
  })

  it('works when the server is no longer busy with a script, or full of clients', async () => {
    const redis = await started({ args: ['--lua-time-limit', '50'] })
    const store = opened(redis.port)
    await works(store)
    const endless = redis.admin(['EVAL', 'while true do end', '0']).catch(() => {})
    await until(async () => (await get(store, 'a')).cause.includes('BUSY'), 'the server to be busy', 2_000)
    expect((await get(store, 'a')).code).toBe('DATABANK_UNAVAILABLE')
    await redis.admin(['SCRIPT', 'KILL'])
    await endless
    await works(store)
    await redis.admin(['CONFIG', 'SET', 'maxclients', '1'])
    const late = opened(redis.port)
    expect((await get(late, 'a')).code).toBe('DATABANK_UNAVAILABLE')
    await store.close()
    await works(late)
  })

  it('sends its scripts again when the server has lost them', async () => {
    const redis = await started()
    const store = opened(redis.port)
    for (let round = 0; round < 2; round++) {
      const sids = Array.from({ length: 40 }, (_, index) => `${index}`)
      expect((await Promise.all(sids.map((sid) => set(store, sid)))).map(({ code }) => code)).toEqual(sids.map(() => undefined))
      expect((await Promise.all(sids.map((sid) => get(store, sid)))).every(({ value }) => value)).toBe(true)
      await redis.admin(['SCRIPT', 'FLUSH'])
    }
  })

  it('refuses operations above maxPending', async () => {
    const redis = await started()
    const store = opened(redis.port, { maxPending: 20, stallTimeout: 10_000 })
    await store.open()
    redis.program.freeze()
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, index) => set(store, `${index}`)))
    const refused = outcomes.filter(({ milliseconds }) => milliseconds < TIMEOUT / 2)
    expect(refused.length).toBe(30)
    for (const { code } of refused) expect(code).toBe('DATABANK_UNAVAILABLE')
    for (const { code } of outcomes) expect(code).toMatch(/^DATABANK_(UNAVAILABLE|TIMEOUT)$/)
    redis.program.thaw()
    await works(store)
  })

  it('closes while the server is down, and leaves no socket open', async () => {
    const redis = await started()
    const before = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout').length
    const store = opened(redis.port)
    await works(store)
    await redis.program.stop()
    const waiting = get(store, 'a')
    await store.close()
    expect((await waiting).code).toMatch(/^DATABANK_(UNAVAILABLE|CLOSED)$/)
    expect((await get(store, 'a')).code).toBe('DATABANK_CLOSED')
    const resources = () => process.getActiveResourcesInfo().filter((name) => name !== 'Timeout').length
    await until(() => resources() <= before, 'the sockets to go')
  })
})
