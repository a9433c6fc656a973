// The client library is loaded on first use, which takes a while on a busy machine.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startRedis } from '../../../testing/servers/redis.js'

describe.skipIf(server('redis').missing)('a Redis bank whose client is slow to load', () => {
  it('does not count the time of loading as time without a connection', async () => {
    const running = await startRedis()
    const offlineWait = 300
    vi.doMock('redis', async (load) => {
      await sleep(4 * offlineWait)
      return load()
    })
    const { openBank } = await import('../src/index.ts')
    const bank = openBank(running.url, { offlineWait })
    try {
      expect(await bank.read('missing')).toBe(null)
      await running.program.stop()
      await expect(bank.read('missing')).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
    } finally {
      await bank.close?.()
      await running.stop()
    }
  })
})
