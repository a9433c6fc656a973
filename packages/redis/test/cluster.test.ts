import { afterAll, beforeAll, describe } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startCluster } from '../../../testing/servers/redis.js'
import { type Connected, clusterClients } from './clients.ts'
import { conformance } from './suite.ts'

describe.skipIf(server('redis').missing)('a cluster of three masters with replicas', () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.stop())

  for (const [client, connect] of Object.entries(clusterClients)) {
    describe(`by ${client}`, () => {
      let connected: Connected
      beforeAll(async () => {
        connected = await connect(cluster.masters.map(({ port }) => port))
      })
      afterAll(() => connected.close())
      conformance(() => ({ client: connected.client }))
    })
  }
})
