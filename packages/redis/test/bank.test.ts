// The conformance suites on every server and with every client: in pairs, since no client knows the version of its server.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { RedisBank } from '../src/index.ts'
import { type Connected, singleClients } from './clients.ts'
import { onEachServer, type ServerName } from './servers.ts'
import { conformance, conformanceOfStore } from './suite.ts'

/** The client for each server. The bank's own is on Redis 7, and with the least rights in rights.test.ts. */
const CLIENTS: Readonly<Record<ServerName, string>> = {
  redis: 'node-redis 6',
  'redis-oldest': 'ioredis 5',
  'redis-recent': 'node-redis 5',
  valkey: 'ioredis 6',
}

onEachServer((redis, name) => {
  if (name === 'redis') {
    conformance(() => ({ url: redis().url }))
    conformanceOfStore(() => ({ url: redis().url }))
  }

  describe(`by a client of ${CLIENTS[name]}`, () => {
    let connected: Connected
    beforeAll(async () => {
      connected = await singleClients[CLIENTS[name]]!(redis().port)
    })
    afterAll(() => connected.close())
    conformance(() => ({ client: connected.client }))
  })

  it('names the server', async () => {
    const bank = new RedisBank({ url: redis().url })
    const { version } = server(name) as { version: string }
    expect(await bank.describe()).toEqual({ server: version })
    await bank.close()
  })
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
