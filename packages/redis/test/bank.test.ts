import { afterAll, beforeAll, describe } from 'vitest'
import { server } from '../../../scripts/servers/index.js'
import { type RedisServer, startRedis } from '../../../scripts/servers/redis.js'
import { type Connected, singleClients } from './clients.ts'
import { conformance, conformanceOfStore } from './suite.ts'

const VERSIONS = { redis: 'Redis', 'redis-oldest': 'Redis 6.2', 'redis-recent': 'Redis 8', valkey: 'Valkey' }

for (const [name, title] of Object.entries(VERSIONS)) {
  describe.skipIf(server(name).missing)(title, () => {
    let redis: RedisServer
    beforeAll(async () => {
      redis = await startRedis({ binary: server(name)['binary'] as never })
    })
    afterAll(() => redis.stop())

    describe('by URL', () => {
      conformance(() => ({ url: redis.url }))
      if (name === 'redis') conformanceOfStore(() => ({ url: redis.url }))
    })

    if (name !== 'redis') return
    for (const [client, connect] of Object.entries(singleClients)) {
      describe(`by a client of ${client}`, () => {
        let connected: Connected
        beforeAll(async () => {
          connected = await connect(redis.port)
        })
        afterAll(() => connected.close())
        conformance(() => ({ client: connected.client }))
        conformanceOfStore(() => ({ client: connected.client }))
      })
    }
  })
}
