// The index of ids: it says what is there, whatever happens, and nothing is left in it.
import type { Bank } from 'connect-databank'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../testing/program.js'
import { server } from '../../../testing/servers/index.js'
import { type Binary, type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { RedisBank, type RedisBankOptions, type RedisClient } from '../src/index.ts'
import { type Connected, singleClients } from './clients.ts'
import { conformance, conformanceOfStore } from './suite.ts'

const HOUR = 3_600_000
const INDEX = 'sess:\ufdd0index'

const VERSIONS = { redis: 'Redis', 'redis-oldest': 'Redis 6.2', 'redis-recent': 'Redis 8', valkey: 'Valkey' }
for (const [name, title] of Object.entries(VERSIONS)) {
  describe.skipIf(server(name).missing)(`a bank with an index on ${title}`, () => {
    let redis: RedisServer
    beforeAll(async () => {
      redis = await startRedis({ binary: server(name)['binary'] as Binary })
    })
    afterAll(() => redis.stop())
    conformance(() => ({ url: redis.url, index: true }))

    if (name !== 'redis') return
    conformanceOfStore(() => ({ url: redis.url, index: true }))
    for (const [client, connect] of Object.entries(singleClients)) {
      describe(`by a client of ${client}`, () => {
        let connected: Connected
        beforeAll(async () => {
          connected = await connect(redis.port)
        })
        afterAll(() => connected.close())
        conformance(() => ({ client: connected.client, index: true }))
      })
    }
  })
}

describe.skipIf(server('redis').missing)('the index', () => {
  let redis: RedisServer
  const banks: RedisBank[] = []
  const open = (options: RedisBankOptions = {}): RedisBank => {
    const bank = new RedisBank({ url: redis.url, index: true, ...options })
    banks.push(bank)
    return bank
  }
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(async () => {
    await Promise.all(banks.map((bank) => bank.close()))
    await redis.stop()
  })
  beforeEach(() => redis.admin(['FLUSHALL']))

  const never = { payload: 'x', expires: null }
  const living = () => ({ payload: 'x', expires: Date.now() + HOUR })
  const members = () => redis.admin(['ZRANGE', INDEX, '0', '-1']) as Promise<string[]>

  /** The living keys and their deaths, as the server has them. */
  async function truth(): Promise<Record<string, string>> {
    const found: Record<string, string> = {}
    for (const key of (await redis.admin(['KEYS', 'sess:*'])) as string[]) {
      const expiry = await redis.admin(['PEXPIRETIME', key])
      if (key !== INDEX) found[key.slice('sess:'.length)] = expiry === -1 ? 'inf' : String(expiry)
    }
    return found
  }

  async function entered(): Promise<Record<string, string>> {
    const flat = (await redis.admin(['ZRANGE', INDEX, '0', '-1', 'WITHSCORES'])) as string[]
    return Object.fromEntries(flat.flatMap((member, place) => (place % 2 === 0 ? [[member, flat[place + 1]!]] : [])))
  }

  it('says what is there, after any operations side by side', async () => {
    const [bank, other] = [open(), open()]
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    const expiry = () => [null, 0, -5, Date.now() - 1, Date.now() + HOUR + random(1_000), Date.now() + 2 * HOUR + 0.5][random(6)]!
    const operations: ((bank: RedisBank, id: string) => Promise<unknown>)[] = [
      (bank, id) => bank.save(id, { payload: `${random(3)}`, expires: expiry() }),
      (bank, id) => bank.swap(id, null, { payload: `${random(3)}`, expires: expiry() }),
      (bank, id) => bank.swap(id, `${random(3)}`, { payload: `${random(3)}`, expires: expiry() }),
      (bank, id) => bank.touch(id, expiry()),
      (bank, id) =>
        bank.touchMany([
          [id, expiry()],
          [`${random(20)}`, expiry()],
        ]),
      (bank, id) => bank.delete(id),
      (bank) => bank.purge(Date.now()),
    ]
    for (let round = 0; round < 30; round++) {
      const batch = Array.from({ length: 20 }, () =>
        operations[random(operations.length)]!(random(2) ? bank : other, `${random(20)}`),
      )
      await Promise.all(batch)
    }
    await bank.purge(Date.now())
    expect(await entered()).toEqual(await truth())
    expect(await bank.count(Date.now())).toBe(Object.keys(await truth()).length)
    expect(await bank.count(Date.now())).toBeGreaterThan(0)
  })

  it('counts and lists without looking at other keys', async () => {
    const bank = open()
    for (let count = 0; count < 300; count++) await bank.save(`${count}`, count % 2 ? living() : never)
    await redis.admin(['EVAL', `for nth = 1, 100000 do redis.call('SET', 'foreign:' .. nth, 'x') end`, '0'])
    await redis.admin(['CONFIG', 'RESETSTAT'])
    expect(await bank.count(Date.now())).toBe(300)
    const ids = new Set<string>()
    for await (const [id] of bank.scan()) ids.add(id)
    expect(ids.size).toBe(300)
    await bank.purge(Date.now())
    const stats = await redis.info('commandstats')
    expect(stats).not.toMatch(/cmdstat_(scan|keys):/)
    expect(stats).toMatch(/cmdstat_zcount:calls=1,/)
  })

  it('is rid of what died, was evicted or was deleted by others', async () => {
    const bank = open()
    for (let count = 0; count < 1_200; count++) await bank.save(`never ${1_000 + count}`, never)
    const dying = { payload: 'x', expires: Date.now() + 300 }
    await Promise.all(Array.from({ length: 1_200 }, (_, count) => bank.save(`soon ${count}`, dying)))
    await bank.save('stays', living())
    // The first slice that a purge looks at is whole, and of the next ones some.
    const gone = Array.from({ length: 600 }, (_, count) => `sess:never ${1_000 + 510 + count}`)
    await redis.admin(['UNLINK', ...gone])
    await until(() => Date.now() > dying.expires, 'the death')
    expect(await bank.count(Date.now())).toBe(1_201)
    await bank.purge(Date.now())
    expect((await members()).length).toBe(601)
    expect(await entered()).toEqual(await truth())
    await bank.clear()
    expect(await redis.admin(['DBSIZE'])).toBe(0)
  })

  it('does not lose what others have touched, and learns of what others wrote when it is touched', async () => {
    const bank = open()
    await bank.save('a', living())
    await bank.save('b', never)
    const later = Date.now() + 2 * HOUR
    await redis.admin(['PEXPIREAT', 'sess:a', `${later}`], ['PEXPIREAT', 'sess:b', `${later}`], ['SET', 'sess:c', 'x'])
    expect(await bank.purge(later - 1)).toBe(0)
    expect(await entered()).toEqual({ a: `${later}`, b: `${later}` })
    await bank.touch('c', later)
    expect(await entered()).toEqual({ a: `${later}`, b: `${later}`, c: `${later}` })
  })

  it('clears what is not in it, too', async () => {
    const bank = open()
    await bank.save('a', living())
    await redis.admin(['SET', 'sess:by another', 'x'], ['SET', 'foreign', 'x'])
    await bank.clear()
    expect(await redis.admin(['KEYS', '*'])).toEqual(['foreign'])
  })

  it('is no session: neither to a bank without it, nor by an id that looks like it', async () => {
    const [bank, plain] = [open(), open({ index: false })]
    const ids = ['\ufdd0index', 'index', 'a']
    for (const id of ids) await bank.save(id, never)
    for (const each of [bank, plain] as Bank[]) {
      expect(await each.count!(Date.now())).toBe(3)
      const listed: string[] = []
      for await (const [id] of each.scan!()) listed.push(id)
      expect(listed.sort()).toEqual([...ids].sort())
      for (const id of ids) expect(await each.read(id)).toEqual(never)
    }
    expect(await plain.purge(Date.now() + 2 * HOUR)).toBe(0)
    await plain.clear()
    expect(await redis.admin(['DBSIZE'])).toBe(0)
  })

  it('goes with the key prefix of ioredis', async () => {
    const { client, close } = await singleClients['ioredis 5']!(redis.port)
    Object.assign((client as { options: object }).options, { keyPrefix: 'app:' })
    const bank = open({ url: undefined, client } as object)
    await bank.save('a', living())
    await bank.save('dead', { payload: 'x', expires: Date.now() + 100 })
    const end = Date.now() + 150
    await until(() => Date.now() > end, 'the death')
    await bank.purge(Date.now())
    expect(await redis.admin(['ZRANGE', `app:${INDEX}`, '0', '-1'])).toEqual(['a'])
    await bank.clear()
    expect(await redis.admin(['DBSIZE'])).toBe(0)
    await close()
  })

  it('is refused in a cluster', () => {
    const cluster = { nodeClient() {}, sendCommand() {}, masters: [], slots: [] } as unknown as RedisClient
    expect(() => new RedisBank({ client: cluster, index: true })).toThrow(
      expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }),
    )
    new RedisBank({ client: cluster, index: false })
  })
})
