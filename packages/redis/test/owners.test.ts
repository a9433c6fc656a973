// The sessions of an owner: none is missed, whatever happens at the same time, and nothing of them is left when they have ended.
import { setTimeout as sleep } from 'node:timers/promises'
import { RedisStore as ConnectRedis } from 'connect-redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startProxy } from '../../../testing/proxy.js'
import { server } from '../../../testing/servers/index.js'
import { type RedisServer, startCluster, startRedis } from '../../../testing/servers/redis.js'
import { RedisBank, type RedisBankOptions, RedisStore } from '../src/index.ts'
import { clusterClients } from './clients.ts'
import { aSession, listed } from './requests.ts'

const HOUR = 3_600_000

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const adas = (payload = 'a') => ({ payload, expires: Date.now() + HOUR, owner: 'ada' })

describe.skipIf(server('redis').missing)('the sessions of an owner', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())
  beforeEach(() => redis.admin(['FLUSHALL']))

  function opened(options: RedisBankOptions = {}): RedisBank {
    const bank = new RedisBank({ ...(options.client === undefined && { url: redis.url }), ...options })
    ends.push(() => bank.close())
    return bank
  }

  /** A bank whose commands can be held on their way, one after another. */
  async function holdable() {
    const proxy = await startProxy(redis.port)
    ends.push(() => proxy.close())
    const bank = opened({ url: `redis://127.0.0.1:${proxy.port}` })
    await bank.open()
    return { bank, proxy }
  }

  const idsOf = async (bank: RedisBank, owner = 'ada') => (await listed(bank.idsOf(owner))).sort()
  const indexed = async () => {
    const keys = (await redis.admin(['KEYS', 'owners:*'])) as string[]
    const counts = await Promise.all(keys.map((key) => redis.admin(['ZCARD', key])))
    return counts.reduce((sum: number, count) => sum + Number(count), 0)
  }

  it('are found after touches for ten times their lifetime, and clean-ups meanwhile', async () => {
    const bank = opened()
    const lifetime = 500
    const version = await bank.save('a', { ...adas(), expires: Date.now() + lifetime })
    for (const end = Date.now() + 10 * lifetime; Date.now() < end; ) {
      await bank.touch('a', Date.now() + lifetime)
      await bank.purge(Date.now())
      await sleep(lifetime / 10)
    }
    await bank.touch('a', Date.now() + HOUR)
    expect(await idsOf(bank)).toEqual(['a'])
    expect((await bank.read('a'))?.version).toBe(version)
  })

  it('leave nothing on the server when they have ended, in whatever way, and a clean-up ran', async () => {
    const bank = opened()
    const owner = (index: number) => ['ada', 'bob', `${index}`][index % 3]!
    const save = (name: string, expires: number | null) =>
      Promise.all(
        Array.from({ length: 700 }, (_, index) => bank.save(`${name} ${index}`, { ...adas(), expires, owner: owner(index) })),
      )
    await save('deleted', Date.now() + HOUR)
    await save('deleted by another program', null)
    await save('expired', Date.now() + 400)
    await save('shortened', Date.now() + HOUR)
    await save('of another owner', null)
    await save('of nobody', null)
    const all = (name: string) => Array.from({ length: 700 }, (_, index) => `${name} ${index}`)
    await Promise.all(all('deleted').map((id) => bank.delete(id)))
    await redis.admin(['UNLINK', ...all('deleted by another program').map((id) => `sess:${id}`)])
    await Promise.all(all('shortened').map((id) => bank.touch(id, Date.now() + 300)))
    await Promise.all(all('of another owner').map((id) => bank.save(id, { ...adas(), owner: 'eve' })))
    await Promise.all(
      all('of nobody').map(async (id) => bank.swap(id, (await bank.read(id))!.version!, { ...adas(), owner: null })),
    )
    await bank.purge(Date.now())
    expect(await idsOf(bank, 'eve')).toHaveLength(700)
    expect((await idsOf(bank)).filter((id) => !/^(expired|shortened)/.test(id))).toEqual([])
    await Promise.all([...all('of another owner'), ...all('of nobody')].map((id) => bank.delete(id)))
    await sleep(500)
    await bank.purge(Date.now())
    expect(await redis.admin(['KEYS', '*'])).toEqual([])
    await save('purged', Date.now() + HOUR)
    expect(await bank.purge(Date.now() + 2 * HOUR)).toBe(700)
    expect(await redis.admin(['KEYS', '*'])).toEqual([])
    await save('cleared', null)
    await bank.clear()
    expect(await redis.admin(['KEYS', '*'])).toEqual([])
  })

  it('are found if a clean-up runs between the index and the session', async () => {
    const { bank, proxy } = await holdable()
    const other = opened()
    for (const write of [() => bank.save('a', adas()), () => bank.swap('a', null, adas())]) {
      await redis.admin(['FLUSHALL'])
      const held = proxy.holdAt('$3\r\nSET\r\n')
      const writing = write()
      const release = await held
      expect(await indexed()).toBe(1)
      // There is no session yet, so it removes what the index says.
      await other.purge(Date.now())
      expect(await indexed()).toBe(0)
      release()
      await writing
      expect(await idsOf(other)).toEqual(['a'])
      expect(await indexed()).toBe(1)
    }
  })

  it('are found if a clean-up that saw no session removes what it saw after one was written', async () => {
    const { bank: cleaner, proxy } = await holdable()
    const bank = opened()
    await bank.save('a', adas())
    await bank.delete('a')
    const held = proxy.holdAt('$4\r\nZREM\r\n')
    const cleaning = cleaner.purge(Date.now())
    const release = await held
    await bank.save('a', adas())
    release()
    await cleaning
    expect(await idsOf(bank)).toEqual(['a'])
  })

  it('are found if the connection is lost as soon as the session is written', async () => {
    const { bank, proxy } = await holdable()
    const other = opened()
    const cut = proxy.cutAfter('$3\r\nSET\r\n')
    await expect(bank.save('a', adas())).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
    await cut
    expect(await other.read('a')).toMatchObject({ owner: 'ada' })
    expect(await idsOf(other)).toEqual(['a'])
  })

  it('are in the index once, however often they are written', async () => {
    const bank = opened()
    for (let count = 0; count < 10; count++) await bank.save('a', adas(`${count}`))
    for (let count = 0; count < 5; count++) {
      const version = (await bank.read('a'))!.version!
      const next = (await bank.swap('a', version, { ...adas(), owner: 'bob' }))!
      expect(await bank.swap('a', version, adas())).toBe(null)
      await bank.swap('a', next, adas())
    }
    expect(await idsOf(bank)).toEqual(['a'])
    expect(await idsOf(bank, 'bob')).toEqual([])
    // One for each owner that it has had.
    expect(await indexed()).toBe(2)
    // What begins like another id or owner is another.
    await bank.save('a:1:b', adas())
    await bank.save('a', { ...adas(), owner: 'ada:1:a' })
    expect(await idsOf(bank)).toEqual(['a:1:b'])
    expect(await idsOf(bank, 'ada:1:a')).toEqual(['a'])
  })

  it('are listed once, also if the index names them more often, across its pages', async () => {
    const bank = opened()
    const ids = Array.from({ length: 300 }, (_, index) => `${1_000 + index}`)
    await Promise.all(ids.map((id) => bank.save(id, adas())))
    const [key] = (await redis.admin(['KEYS', 'owners:*'])) as [string]
    const members = (await redis.admin(['ZRANGE', key, '0', '-1'])) as string[]
    // As writes leave them that were cut off: with another nonce each. A page ends between those of one session.
    const more = ['--------', '________'].flatMap((nonce) => members.map((member) => member.slice(0, -8) + nonce))
    await redis.admin(['ZADD', key, ...more.flatMap((member) => ['0', member])])
    expect(await indexed()).toBe(900)
    expect(await listed(bank.idsOf('ada'))).toEqual(ids)
  })

  it('do not write the index when they are touched, deleted, or swapped for the same owner', async () => {
    const bank = opened()
    let version = await bank.save('a', adas())
    await redis.admin(['CONFIG', 'RESETSTAT'])
    version = (await bank.swap('a', version, adas('b')))!
    await bank.swap('a', version, adas('c'))
    await bank.touch('a', Date.now() + 2 * HOUR)
    await bank.delete('a')
    expect(await redis.info('commandstats')).not.toMatch(/cmdstat_z/)
  })

  it('that another program writes anew have no owner, until they are written here again', async () => {
    const client = await createClient({ url: redis.url }).connect()
    ends.push(() => client.destroy())
    const theirs = new ConnectRedis({ client })
    const owner = (session: { user?: string }) => session.user ?? null
    const ours = new RedisStore({ url: redis.url, owner: owner as () => string | null })
    ends.push(() => ours.close())
    const sessions = async () => (await listed(ours.sessionsOf('ada'))).map(([id]) => id)
    await ours.set('a', aSession({ user: 'ada' }))
    await theirs.set('a', { ...(await theirs.get('a')), theirs: 1 } as never)
    expect(await sessions()).toEqual([])
    const request = ours.createSession({ sessionID: 'a', sessionStore: ours } as never, (await ours.get('a'))!)
    await ours.touch('a', request)
    expect(await sessions()).toEqual(['a'])
    expect(await theirs.get('a')).toMatchObject({ user: 'ada', theirs: 1 })
  })

  it('and their index are no sessions, to us or to connect-redis', async () => {
    const client = await createClient({ url: redis.url }).connect()
    ends.push(() => client.destroy())
    for (const prefix of ['sess:', 'owners:', '']) {
      await redis.admin(['FLUSHALL'])
      const bank = opened({ prefix, clearWholeDatabase: true })
      await bank.save('a', adas())
      expect(await bank.count(Date.now())).toBe(1)
      expect((await listed(bank.scan())).map(([id]) => id)).toEqual(['a'])
      // It takes each key with its prefix for a session.
      if (prefix === 'sess:') expect(await new ConnectRedis({ client }).ids()).toEqual(['a'])
      await bank.clear()
      expect(await redis.admin(['DBSIZE'])).toBe(0)
    }
  })

  it('are found beside a store whose prefix is the beginning of this one, also after its clean-up', async () => {
    const [short, long] = [opened({ prefix: 'app' }), opened({ prefix: 'app2' })]
    const owners = Array.from({ length: 64 }, (_, index) => `owner ${index}`)
    await Promise.all(owners.map((owner) => long.save(`of ${owner}`, { ...adas(), owner })))
    await short.purge(Date.now())
    const found = await Promise.all(owners.map((owner) => idsOf(long, owner)))
    expect(found).toEqual(owners.map((owner) => [`of ${owner}`]))
  })

  it.each([
    ['', {}, {}],
    [
      ', encrypted with an older key',
      { encryption: { keys: ['a'.repeat(64)] } },
      { encryption: { keys: ['b'.repeat(64), 'a'.repeat(64)] } },
    ],
    [', stored before they were encrypted', {}, { encryption: { keys: ['a'.repeat(64)], acceptPlain: true } }],
  ])('are found again after the index was lost, by reindexOwners%s', async (_, optionsBefore, options) => {
    const owner = (session: object) => (session as { user?: string }).user ?? null
    const before = new RedisStore({ url: redis.url, owner, ...optionsBefore })
    const store = new RedisStore({ url: redis.url, owner, ...options })
    ends.push(
      () => before.close(),
      () => store.close(),
    )
    for (const sid of ['a', 'b']) await before.set(sid, aSession({ user: 'ada' }))
    await redis.admin(['DEL', ...((await redis.admin(['KEYS', 'owners:*'])) as string[])])
    expect(await store.destroySessionsOf('ada')).toBe(0)
    expect(await store.reindexOwners()).toBe(0)
    expect(await store.destroySessionsOf('ada')).toBe(2)
  })

  it('are found behind what ioredis itself puts before keys', async () => {
    const client = new Redis({ port: redis.port, keyPrefix: 'app:' })
    ends.push(() => client.disconnect())
    const bank = opened({ client })
    await bank.save('a', adas())
    await bank.save('b', adas())
    await bank.delete('b')
    await bank.purge(Date.now())
    expect(await idsOf(bank)).toEqual(['a'])
    expect(((await redis.admin(['KEYS', '*'])) as string[]).every((key) => key.startsWith('app:'))).toBe(true)
    await bank.clear()
    expect(await redis.admin(['DBSIZE'])).toBe(0)
  })

  it('need rights on the index; a clean-up of a user without them has nothing to do', async () => {
    const rights = 'user app on >secret ~sess:* -@all +get +mget +set +pexpiretime +scan'
    const strict = await startRedis({ acl: ['user default on nopass ~* &* +@all', rights] })
    ends.push(() => strict.stop())
    const bank = opened({ url: strict.url.replace('//', '//app:secret@') })
    await bank.save('a', { payload: 'a', expires: null })
    expect(await bank.purge(Date.now())).toBe(0)
    await expect(bank.save('b', adas())).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
    await expect(listed(bank.idsOf('ada'))).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
    expect(await strict.admin(['KEYS', '*'])).toEqual(['sess:a'])
  })
})

describe.skipIf(server('redis').missing)('in a cluster, where index and session are on different nodes', () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.stop())

  const keys = async () => (await Promise.all(cluster.masters.map((master) => master.admin(['KEYS', '*'])))).flat()

  for (const [name, connect] of Object.entries(clusterClients)) {
    it(`sessions are found, and leave nothing on any server (${name})`, async () => {
      const { client, close } = await connect(cluster.masters.map(({ port }) => port))
      ends.push(close)
      const bank = new RedisBank({ client })
      ends.push(() => bank.close())
      const ids = Array.from({ length: 60 }, (_, index) => `${index}`.padStart(2, '0'))
      await Promise.all(ids.map((id) => bank.save(id, { ...adas(), owner: `owner ${Number(id) % 20}` })))
      for (let nth = 0; nth < 20; nth++) {
        expect((await listed(bank.idsOf(`owner ${nth}`))).sort()).toEqual(ids.filter((id) => Number(id) % 20 === nth))
      }
      await Promise.all(ids.slice(0, 30).map((id) => bank.delete(id)))
      await Promise.all(ids.slice(30).map((id) => bank.touch(id, Date.now() + 200)))
      await sleep(300)
      expect((await keys()).length).toBeGreaterThan(10)
      await bank.purge(Date.now())
      expect(await keys()).toEqual([])
    })
  }
})
