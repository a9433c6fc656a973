import { afterAll, beforeAll, describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startSentinel } from '../../../testing/servers/redis.js'
import { RedisBank } from '../src/index.ts'
import { type Connected, sentinelClients } from './clients.ts'
import { assertWorks } from './operations.ts'
import { conformance } from './suite.ts'

describe.skipIf(server('redis').missing)('servers under Sentinel', () => {
  let sentinel: Awaited<ReturnType<typeof startSentinel>>
  beforeAll(async () => {
    sentinel = await startSentinel()
  })
  afterAll(() => sentinel.stop())

  // ioredis has one client for a single server and for Sentinel.
  for (const [client, connect] of Object.entries(sentinelClients)) {
    if (client.startsWith('ioredis'))
      it(`every operation works by ${client}`, async () => {
        const connected = await connect(sentinel)
        await assertWorks(new RedisBank({ client: connected.client, prefix: `${client}:` }))
        await connected.close()
      })
    else
      describe(`by ${client}`, () => {
        let connected: Connected
        beforeAll(async () => {
          connected = await connect(sentinel)
        })
        afterAll(() => connected.close())
        conformance(() => ({ client: connected.client }))
      })
  }
})
