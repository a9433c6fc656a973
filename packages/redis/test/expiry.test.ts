// When sessions expire, and whose clock decides.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { until } from '../../../testing/program.js'
import { server } from '../../../testing/servers/index.js'
import { startRedis } from '../../../testing/servers/redis.js'
import { RedisBank } from '../src/index.ts'
import { onEachServer } from './servers.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

onEachServer((redis) => {
  it('an expiry of any time in the past has expired', async () => {
    const bank = new RedisBank({ url: redis().url, prefix: 'past:' })
    ends.push(() => bank.close())
    for (const expires of [0, -1, -1e12, 0.5]) {
      for (const owner of [null, 'ada']) {
        const before = { payload: 'one', expires: null }
        const after = { payload: 'two', expires, owner }
        expect(await bank.swap('a', await bank.save('a', before), after)).not.toBe(null)
        expect(await bank.read('a')).toBe(null)
        expect(await bank.swap('a', null, after)).not.toBe(null)
        expect(await bank.read('a')).toBe(null)
        await bank.save('a', before)
        await bank.touch('a', expires)
        expect(await bank.read('a')).toBe(null)
        await bank.save('a', after)
        expect(await bank.read('a')).toBe(null)
      }
    }
  })
})

describe.skipIf(server('redis').missing)('a clock that differs from the server’s', () => {
  it('is warned of when the bank connects, with both times', async () => {
    const redis = await startRedis()
    ends.push(() => redis.stop())
    for (const [difference, words] of [
      [-600_000, /the clock of Redis is 600 s ahead of this machine's/],
      [600_000, /the clock of Redis is 600 s behind this machine's/],
      [500, undefined],
    ] as const) {
      const now = Date.now
      vi.spyOn(Date, 'now').mockImplementation(() => now() + difference)
      ends.push(() => vi.restoreAllMocks())
      const warn = vi.fn()
      const bank = new RedisBank({ url: redis.url }, { timeout: 5_000, warn })
      ends.push(() => bank.close())
      await bank.open()
      await redis.admin(['CONFIG', 'RESETSTAT'])
      if (words === undefined) {
        await bank.read('a')
        expect(warn).not.toHaveBeenCalled()
      } else {
        await until(() => warn.mock.calls.length > 0, 'the warning')
        expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(words), {
          database: expect.stringMatching(/^\d{4}-.*Z$/),
          here: expect.stringContaining(new Date(now() + difference).toISOString().slice(0, 13)),
        })
      }
      vi.restoreAllMocks()
    }
  })

  it('is not known where the user may not ask for the time, and that is no failure', async () => {
    const redis = await startRedis({
      acl: ['user default on nopass ~* &* +@all', 'user app on >secret ~* -@all +get +mget +pexpiretime'],
    })
    ends.push(() => redis.stop())
    const warn = vi.fn()
    const bank = new RedisBank({ url: redis.url.replace('//', '//app:secret@') }, { timeout: 5_000, warn })
    ends.push(() => bank.close())
    await bank.open()
    expect(await bank.read('a')).toBe(null)
    expect(warn).not.toHaveBeenCalled()
  })
})
