// Clients that an application hands in: what their options change is understood or refused.
import { Redis } from 'ioredis'
import { Redis as Redis6 } from 'ioredis-6'
import * as nodeRedis6 from 'redis'
// @ts-expect-error it has no types
import * as nodeRedis3 from 'redis-3'
import * as nodeRedis4 from 'redis-4'
import * as nodeRedis5 from 'redis-5'
import { afterEach, describe, expect, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { RedisBank, type RedisClient, RedisStore } from '../src/index.ts'
import { assertWorks } from './operations.ts'
import { onEachServer } from './servers.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

onEachServer((redis, name) => {
  it('clients of node-redis that were told to give buffers, other types or RESP 3 work, and in time', async () => {
    const types = [nodeRedis6.RESP_TYPES.BLOB_STRING, nodeRedis6.RESP_TYPES.SIMPLE_STRING, nodeRedis6.RESP_TYPES.NUMBER]
    const typeMapping = { [types[0]!]: Buffer, [types[1]!]: Buffer, [types[2]!]: String }
    const commandOptions = { typeMapping, timeout: 1 } as object
    // Each of them on two of the servers.
    const isRecent = name === 'redis' || name === 'redis-recent'
    const module = isRecent ? nodeRedis6 : (nodeRedis5 as unknown as typeof nodeRedis6)
    const { url } = redis()
    const clients = [
      module.createClient({ url, commandOptions }),
      module.createClient({ url, RESP: 3, commandOptions }),
      module.createClient({ url, commandOptions: { timeout: 1 } }),
      module.createClient({ url, commandOptions: { timeout: 1_000 } }).withCommandOptions(commandOptions),
      module.createClientPool({ url, commandOptions } as object),
    ]
    for (const [nth, client] of clients.entries()) {
      await client.on('error', () => {}).connect()
      ends.push(() => client.destroy())
      await assertWorks(new RedisBank({ client: client as unknown as RedisClient, prefix: `mapped ${nth}:` }))
    }
    const own = new RedisBank({ url, clientOptions: { commandOptions }, prefix: 'mapped:' })
    ends.push(() => own.close())
    await assertWorks(own)
  })

  it('clients of ioredis that were told to give texts for numbers, or objects, work', async () => {
    const clients = [
      new Redis(redis().port, { stringNumbers: true }),
      new Redis6(redis().port, { stringNumbers: true }),
      // Redis 6.2 speaks RESP 3 as well.
      new Redis6(redis().port, { protocol: 3, replyMapping: 'resp3' }),
      new Redis6(redis().port, { protocol: 2 }),
    ]
    for (const client of clients) ends.push(() => client.on('error', () => {}).disconnect())
    for (const [nth, client] of clients.entries()) {
      await assertWorks(new RedisBank({ client: client as unknown as Redis, prefix: `${name} ${nth}:` }))
    }
  })
})

describe.skipIf(server('redis').missing)('a client that cannot work', () => {
  async function started(): Promise<RedisServer> {
    const redis = await startRedis()
    ends.push(() => redis.stop())
    return redis
  }

  const refusal = (client: unknown): unknown => {
    try {
      return new RedisStore({ client } as object)
    } catch (error) {
      return error
    }
  }

  it('is refused in the constructor, with words that name the option', async () => {
    const { port, url } = await started()
    const old = nodeRedis3.createClient({ port })
    ends.push(() => old.end(true))
    const legacy = nodeRedis5.createClient({ url }).on('error', () => {})
    for (const [client, words] of [
      [old, /client is of node-redis 3 or older; connect one of node-redis 5 or 6/],
      [nodeRedis4.createClient({ url, legacyMode: true }), /client was made with legacyMode/],
      [legacy.legacy(), /client is no client of node-redis 5 or 6.*legacy\(\)/],
      [undefined, /client must be a connected client of node-redis 5 or 6, or of ioredis 5 or 6/],
      [null, /client must be a connected client/],
      [{}, /client must be a connected client/],
      ['redis://127.0.0.1', /client must be a connected client .*give url instead/],
      [Promise.resolve(legacy), /client must be a connected client/],
    ] as const) {
      const error = refusal(client)
      expect(error).toBeInstanceOf(TypeError)
      expect(error).toMatchObject({ code: 'DATABANK_INVALID_OPTION', message: expect.stringMatching(words) })
    }
  })

  it('and was never connected, or was closed, is told what to do', async () => {
    const { url } = await started()
    const advice = expect.stringContaining('await client.connect()')
    for (const module of [nodeRedis6, nodeRedis5 as unknown as typeof nodeRedis6]) {
      const client = module.createClient({ url }).on('error', () => {})
      const store = new RedisStore({ client })
      await expect(store.open()).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE', message: advice })
      await expect(store.get('a')).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE', message: advice })
      // A store may be made before its client is connected.
      await client.connect()
      expect(await store.get('a')).toBe(null)
      client.destroy()
      await expect(store.get('a')).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE', message: advice })
    }
    const cluster = nodeRedis6.createCluster({ rootNodes: [{ url }] })
    await expect(new RedisStore({ client: cluster }).get('a')).rejects.toMatchObject({ message: advice })
    const pool = nodeRedis6.createClientPool({ url })
    await expect(new RedisStore({ client: pool }).get('a')).rejects.toMatchObject({ message: advice })
  })
})

describe('the option', () => {
  const client = { sendCommand: async () => null, isOpen: true }

  it('client has no effect beside the options of a connection, so they are refused', () => {
    for (const beside of [{ url: 'redis://localhost' }, { offlineWait: 1 }, { stallTimeout: 1 }, { clientOptions: {} }]) {
      const [name] = Object.keys(beside)
      expect(() => new RedisStore({ client, ...beside })).toThrow(`RedisBank: ${name} has no effect beside client`)
    }
  })

  it('url takes the schemes of Redis and Valkey', () => {
    for (const url of ['redis://a', 'rediss://a:1/2', 'valkey://a', 'valkeys://a', 'unix:///run/redis.sock']) {
      new RedisBank({ url })
    }
    for (const url of ['http://a', 'a', '', 'redis', 1, null, 'redis://user:100%@a']) {
      expect(() => new RedisBank({ url } as object)).toThrow(expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }))
    }
  })

  it('of an alpha of version 2 is refused', () => {
    for (const name of ['index', 'nearCache']) {
      const refused = expect.objectContaining({ code: 'DATABANK_INVALID_OPTION', message: expect.stringContaining(`"${name}"`) })
      for (const value of [true, false]) expect(() => new RedisStore({ [name]: value } as object)).toThrow(refused)
    }
    new RedisStore({ index: undefined, nearCache: undefined } as object)
  })
})
