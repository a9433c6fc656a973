import { afterAll, beforeAll, describe } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startSentinel } from '../../../testing/servers/redis.js'
import { type Connected, sentinelClients } from './clients.ts'
import { conformance, conformanceOfStore } from './suite.ts'

const [FIRST] = Object.keys(sentinelClients)

describe.skipIf(server('redis').missing)('servers under Sentinel', () => {
  let sentinel: Awaited<ReturnType<typeof startSentinel>>
  beforeAll(async () => {
    sentinel = await startSentinel()
  })
  afterAll(() => sentinel.stop())

  for (const [client, connect] of Object.entries(sentinelClients)) {
    describe(`by ${client}`, () => {
      let connected: Connected
      beforeAll(async () => {
        connected = await connect(sentinel)
      })
      afterAll(() => connected.close())
      conformance(() => ({ client: connected.client }))
      // To the store all clients are the same.
      if (client === FIRST) conformanceOfStore(() => ({ client: connected.client }))
    })
  }
})
