import { afterAll, beforeAll, describe } from 'vitest'
import { server } from '../../../scripts/servers/index.js'
import { type RedisServer, startRedis } from '../../../scripts/servers/redis.js'
import { type Connected, singleClients } from './clients.ts'
import { conformance, conformanceOfStore } from './suite.ts'

// The line of the README, with the prefix of the suites.
const ACL =
  'user sessions on >secret resetkeys ~suite\\*[0-9]* resetchannels -@all +get +mget +set +unlink +pexpireat +persist +pexpiretime +scan +evalsha +eval +time +pttl'

describe.skipIf(server('redis').missing)('a server with TLS, and a user with the least rights that suffice', () => {
  let redis: RedisServer
  const access = { username: 'sessions', password: 'secret' }
  beforeAll(async () => {
    redis = await startRedis({ tls: true, acl: ['user default on nopass ~* &* +@all', ACL] })
  })
  afterAll(() => redis.stop())

  describe('by URL', () => {
    const options = () => ({
      url: redis.url.replace('//', '//sessions:secret@'),
      clientOptions: { socket: { tls: true, ca: redis.ca } },
    })
    conformance(options)
    conformanceOfStore(options)
  })

  for (const [client, connect] of Object.entries(singleClients)) {
    describe(`by ${client}`, () => {
      let connected: Connected
      beforeAll(async () => {
        connected = await connect(redis.port, { ca: redis.ca, ...access })
      })
      afterAll(() => connected.close())
      conformance(() => ({ client: connected.client }))
      if (client === 'ioredis 5') conformanceOfStore(() => ({ client: connected.client }))
    })
  }
})
