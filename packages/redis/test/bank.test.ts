// The conformance suites on every server and with every client.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { RedisBank } from '../src/index.ts'
import { type Connected, singleClients } from './clients.ts'
import { onEachServer } from './servers.ts'
import { conformance, conformanceOfStore } from './suite.ts'

const [FIRST] = Object.keys(singleClients)

onEachServer((redis, name) => {
  conformance(() => ({ url: redis().url }))
  if (name === 'redis') conformanceOfStore(() => ({ url: redis().url }))

  it('names the server', async () => {
    const bank = new RedisBank({ url: redis().url })
    const { version } = server(name) as { version: string }
    expect(await bank.describe()).toEqual({ server: version })
    await bank.close()
  })
})

describe.skipIf(server('redis').missing)('on Redis', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  for (const [client, connect] of Object.entries(singleClients)) {
    describe(`by a client of ${client}`, () => {
      let connected: Connected
      beforeAll(async () => {
        connected = await connect(redis.port)
      })
      afterAll(() => connected.close())
      conformance(() => ({ client: connected.client }))
      // To the store all clients are the same.
      if (client === FIRST) conformanceOfStore(() => ({ client: connected.client }))
    })
  }
})

const url = server('redis')['url'] as string | undefined
if (url !== undefined) {
  describe('on the server that REDIS_URL names', () => {
    const options = () => ({ url })
    conformance(options)
    conformanceOfStore(options)
    afterAll(async () => {
      const bank = new RedisBank({ ...options(), prefix: 'suite*' })
      await bank.clear()
      await bank.close()
    })
  })
}
