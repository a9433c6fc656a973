import { idConformance, recordConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { RedisBank, type RedisBankOptions } from '../src/index.ts'
import { onEachServer } from './servers.ts'

onEachServer(
  (redis, name) => {
    // Prefixes that a pattern would take for more than they are, with neighbours that it would match.
    const prefix = 'bad[a-z]*:'
    const neighbours = ['bad', 'badb:x', 'bad[a-z]', 'badb*:x', 'other', '*', prefix.slice(0, -1)]
    const outside = async () => {
      const keys = ((await redis().admin(['KEYS', '*'])) as string[]).filter((key) => !key.startsWith(prefix)).sort()
      return [keys, await redis().admin(['MGET', ...keys])]
    }
    const open = async (options: RedisBankOptions = {}) => {
      await redis().admin(['FLUSHALL'], ...neighbours.map((key) => ['SET', key, 'mine']))
      const bank = new RedisBank({ url: redis().url, prefix, ...options })
      return { bank, outside, close: () => bank.close() }
    }

    idConformance({ describe, it }, { open, count: 5_000 })
    if (name === 'redis') recordConformance({ describe, it }, { open, oneIn: 5 })
  },
  ['redis', 'valkey'],
)
