import { assertKeysApart, idConformance, recordConformance } from '@connect-databank/conformance'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { server } from '../../../scripts/servers/index.js'
import { type RedisServer, startRedis } from '../../../scripts/servers/redis.js'
import { RedisBank } from '../src/index.ts'
import { keyOf } from '../src/keys.ts'

describe.skipIf(server('redis').missing)('on Redis', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  // Prefixes that a pattern would take for more than they are, with neighbours that it would match.
  const prefix = 'bad[a-z]*:'
  const neighbours = ['bad', 'badb:x', 'bad[a-z]', 'badb*:x', 'other', '*', prefix.slice(0, -1)]
  const open = async () => {
    await redis.admin(['FLUSHALL'], ...neighbours.map((key) => ['SET', key, 'mine']))
    const bank = new RedisBank({ url: redis.url, prefix })
    return {
      bank,
      outside: async () => ((await redis.admin(['KEYS', '*'])) as string[]).filter((key) => !key.startsWith(prefix)).sort(),
      close: () => bank.close(),
    }
  }

  idConformance({ describe, it }, { open, count: 10_000 })
  recordConformance({ describe, it }, { open })
})

it('50,000 ids have keys of their own', () => {
  assertKeysApart((id) => keyOf('sess:', id), { isInside: (key) => key.startsWith('sess:') })
})
