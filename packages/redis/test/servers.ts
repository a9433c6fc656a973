// The servers of several versions that the tests run on.
import { afterAll, beforeAll, describe } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { type Binary, type RedisServer, startRedis } from '../../../testing/servers/redis.js'

const VERSIONS = { redis: 'Redis 7', 'redis-oldest': 'Redis 6.2', 'redis-recent': 'Redis 8', valkey: 'Valkey' }

export type ServerName = keyof typeof VERSIONS

/** Registers the tests once for each server, which runs meanwhile. */
export function onEachServer(
  register: (redis: () => RedisServer, name: ServerName) => void,
  names = Object.keys(VERSIONS),
): void {
  for (const name of names as ServerName[]) {
    describe.skipIf(server(name).missing)(`on ${VERSIONS[name]}`, () => {
      let redis: RedisServer
      beforeAll(async () => {
        redis = await startRedis({ binary: server(name)['binary'] as Binary })
      })
      afterAll(() => redis.stop())
      register(() => redis, name)
    })
  }
}
