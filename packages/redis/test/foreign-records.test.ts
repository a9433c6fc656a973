// What other programs put where a session would be counts as missing, and fails nobody else.
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { RedisBank, RedisStore } from '../src/index.ts'
import { aSession, listed } from './requests.ts'

const HOUR = 3_600_000

const connected = (url: string) => createClient({ url }).connect()

describe.skipIf(server('redis').missing)('a record that is no session', () => {
  let redis: RedisServer
  let client: Awaited<ReturnType<typeof connected>>
  beforeAll(async () => {
    redis = await startRedis()
    client = await connected(redis.url)
    await client.lPush('sess:list', ['a'])
    await client.hSet('sess:hash', 'a', '1')
    await client.zAdd('sess:zset', { score: 1, value: 'a' })
    await client.xAdd('sess:stream', '*', { a: '1' })
    await client.set('sess:truncated', '{"cookie":{"path":"/"},"us')
    await client.set('sess:empty', '')
    await client.set('sess:bytes', Buffer.from([0xff, 0xfe, 0x00, 0x80]))
  })
  afterAll(async () => {
    client.destroy()
    await redis.stop()
  })

  const OF_ANOTHER_TYPE = ['list', 'hash', 'zset', 'stream']
  const NO_SESSIONS = ['truncated', 'empty', 'bytes']

  it('counts as missing for its user, and is reported', async () => {
    const store = new RedisStore({ url: redis.url })
    for (const sid of [...OF_ANOTHER_TYPE, ...NO_SESSIONS]) {
      const corrupt = new Promise((resolve) => store.once('corrupt', resolve))
      expect(await store.get(sid), sid).toBe(null)
      expect(await corrupt, sid).toMatchObject({
        sid,
        ...(OF_ANOTHER_TYPE.includes(sid) && { reason: 'the key holds no string' }),
      })
      if (OF_ANOTHER_TYPE.includes(sid)) {
        const live = Object.assign(aSession({ user: 'ada' }), { req: {} })
        Object.defineProperty(live, 'req', { enumerable: false })
        await expect(store.set(sid, live), sid).rejects.toMatchObject({ code: 'DATABANK_INVALID_RECORD' })
      }
    }
    await store.close()
  })

  it('fails nothing that concerns all sessions', async () => {
    const store = new RedisStore({ url: redis.url, owner: (session) => (session as { user?: string }).user ?? null })
    await store.set('fine', aSession({ user: 'ada' }))
    expect(await store.all()).toMatchObject([{ user: 'ada' }])
    // The server counts what is a string.
    expect(await store.length()).toBe(1 + NO_SESSIONS.length)
    await store.cleanup()
    const ids = []
    for await (const [id] of store.sessionsOf('ada')) ids.push(id)
    expect(ids).toEqual(['fine'])
    await store.clear()
    expect(await client.keys('sess:*')).toHaveLength(OF_ANOTHER_TYPE.length)
    for (const id of NO_SESSIONS) await client.set(`sess:${id}`, '{')
    await store.close()
  })

  it('is not overwritten by chance', async () => {
    const bank = new RedisBank({ url: redis.url }, { timeout: 5_000, warn: () => {} })
    const entry = { payload: 'b', expires: Date.now() + HOUR, owner: 'ada' }
    for (const id of OF_ANOTHER_TYPE) {
      const version = await bank.save('fine', entry)
      await expect(bank.swap(id, version, entry)).rejects.toMatchObject({ code: 'DATABANK_INVALID_RECORD' })
      await expect(bank.swap(id, 'a', entry)).rejects.toMatchObject({ code: 'DATABANK_INVALID_RECORD' })
      expect(await bank.swap(id, null, entry)).toBe(null)
      expect(await bank.readMany(['fine', id])).toEqual([{ ...entry, version }, null])
    }
    expect((await listed(bank.scan())).map(([id]) => id).sort()).toEqual([...NO_SESSIONS, 'fine'].sort())
    await bank.purge(Date.now() + 2 * HOUR)
    expect(await client.hGet('sess:hash', 'a')).toBe('1')
    await bank.close()
  })

  it('that expires later than any Date is served, and harms no other', async () => {
    const store = new RedisStore({ url: redis.url, prefix: 'far:' })
    const text = JSON.stringify(aSession({ user: 'ada' }))
    await client.sendCommand(['SET', 'far:sid', text, 'EX', String(Number.MAX_SAFE_INTEGER)])
    for (let time = 0; time < 2; time++) expect(await store.get('sid')).toMatchObject({ user: 'ada' })
    expect(await store.all()).toMatchObject([{ user: 'ada' }])
    await store.close()
  })
})
