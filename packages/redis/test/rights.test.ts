import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { type Binary, type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { RedisBank } from '../src/index.ts'
import { singleClients } from './clients.ts'
import { assertWorks } from './operations.ts'
import { conformance } from './suite.ts'

const README = await readFile(join(import.meta.dirname, '../README.md'), 'utf8')
/** The line of the README, for the prefixes of the suites. */
const [LINE] = /^user sessions .*$/m.exec(README)!
const ACL = LINE.replace('~sess:*', '~suite\\*[0-9]*').replace('~owners:sess:*', '~owners:suite\\*[0-9]*')
const DEFAULT = 'user default on nopass ~* &* +@all'

describe.skipIf(server('redis-oldest').missing)('Redis 6.2, and a user with the least rights that suffice', () => {
  let redis: RedisServer
  beforeAll(async () => {
    const acl = [DEFAULT, ACL.replace('+pexpiretime', '+pttl')]
    redis = await startRedis({ binary: server('redis-oldest')['binary'] as Binary, acl })
  })
  afterAll(() => redis.stop())
  conformance(() => ({ url: redis.url.replace('//', '//sessions:secret@') }))
})

describe.skipIf(server('redis').missing)('a server with TLS, and a user with the least rights that suffice', () => {
  let redis: RedisServer
  const access = { username: 'sessions', password: 'secret' }
  beforeAll(async () => {
    redis = await startRedis({ tls: true, acl: [DEFAULT, ACL] })
  })
  afterAll(() => redis.stop())

  describe('by URL', () => {
    const options = () => ({
      url: redis.url.replace('//', '//sessions:secret@'),
      clientOptions: { socket: { tls: true, ca: redis.ca } },
    })
    conformance(options)
  })

  // The bank sends the same commands by each client.
  for (const [nth, [name, connect]] of Object.entries(singleClients).entries()) {
    it(`every operation works by ${name}`, async () => {
      const { client, close } = await connect(redis.port, { ca: redis.ca, ...access })
      await assertWorks(new RedisBank({ client, prefix: `suite*${nth}:` }))
      await close()
    })
  }
})
