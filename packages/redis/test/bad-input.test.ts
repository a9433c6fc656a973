import { assertKeysApart, idConformance, recordConformance } from '@connect-databank/conformance'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { type Binary, type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { RedisBank, type RedisBankOptions } from '../src/index.ts'
import { keyOf } from '../src/keys.ts'

// The other versions understand the same keys; Valkey writes by a command of its own.
for (const [name, title] of Object.entries({ redis: 'Redis', valkey: 'Valkey' })) {
  describe.skipIf(server(name).missing)(`on ${title}`, () => {
    let redis: RedisServer
    beforeAll(async () => {
      redis = await startRedis({ binary: server(name)['binary'] as Binary })
    })
    afterAll(() => redis.stop())

    // Prefixes that a pattern would take for more than they are, with neighbours that it would match.
    const prefix = 'bad[a-z]*:'
    const neighbours = ['bad', 'badb:x', 'bad[a-z]', 'badb*:x', 'other', '*', prefix.slice(0, -1)]
    const outside = async () => {
      const keys = ((await redis.admin(['KEYS', '*'])) as string[]).filter((key) => !key.startsWith(prefix)).sort()
      return [keys, await redis.admin(['MGET', ...keys])]
    }
    const open = async (options: RedisBankOptions = {}) => {
      await redis.admin(['FLUSHALL'], ...neighbours.map((key) => ['SET', key, 'mine']))
      const bank = new RedisBank({ url: redis.url, prefix, ...options })
      return { bank, outside, close: () => bank.close() }
    }

    idConformance({ describe, it }, { open })
    if (name !== 'redis') return
    recordConformance({ describe, it }, { open })
    describe('with an index', () => idConformance({ describe, it }, { open: () => open({ index: true }) }))
  })
}

it('50,000 ids have keys of their own', () => {
  assertKeysApart((id) => keyOf('sess:', id), { isInside: (key) => key.startsWith('sess:') })
})
