// Waits inside a bank end before the store's time-out, whatever that is; and a bank that is not used has no timer.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { refusingPort } from '../../../testing/program.js'
import { startProxy } from '../../../testing/proxy.js'
import { server } from '../../../testing/servers/index.js'
import { startRedis } from '../../../testing/servers/redis.js'
import { RedisBank, type RedisClient, RedisStore } from '../src/index.ts'
import { RedisStore as NearCacheStore } from '../src/near-cache.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const end of ends.splice(0).reverse()) await end()
})

describe('the time-out of the store', () => {
  it('bounds how long an operation waits for a connection', async () => {
    const { port } = await refusingPort()
    for (const timeout of [500, 2_000]) {
      const store = new RedisStore({ url: `redis://127.0.0.1:${port}`, timeout })
      ends.push(() => store.close())
      const start = performance.now()
      // The store's own error would be DATABANK_TIMEOUT.
      await expect(store.get('a')).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
      expect(performance.now() - start).toBeGreaterThan(timeout * 0.4 - 20)
    }
  })

  it.skipIf(server('redis').missing)('bounds how long open waits for a server that says nothing', async () => {
    const redis = await startRedis()
    ends.push(() => redis.stop())
    const proxy = await startProxy(redis.port)
    ends.push(() => proxy.close())
    proxy.silence()
    const store = new RedisStore({ url: `redis://127.0.0.1:${proxy.port}`, timeout: 600 })
    ends.push(() => store.close())
    // The store's own error would be DATABANK_TIMEOUT.
    await expect(store.open()).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
  })
})

describe('open that is rejected', () => {
  it('leaves no attempt to connect behind', async () => {
    let attempts = 0
    const listener = createServer((socket) => {
      attempts += 1
      socket.destroy()
    }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    ends.push(() => listener.close())
    const { port } = listener.address() as { port: number }
    const store = new RedisStore({ url: `redis://127.0.0.1:${port}` })
    ends.push(() => store.close())
    await expect(store.open()).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
    const before = attempts
    expect(before).toBeGreaterThan(0)
    // The client would connect again within 50 ms.
    await sleep(300)
    expect(attempts).toBe(before)
  })
})

describe('a bank that is not used', () => {
  it('has no timer, and no connection', async () => {
    const timers = [vi.spyOn(globalThis, 'setTimeout'), vi.spyOn(globalThis, 'setInterval')]
    const client = { sendCommand: async () => null, isOpen: true, masters: [], slots: [], nodeClient() {} } as RedisClient
    const banks = [new RedisBank(), new RedisBank({ client }), new RedisBank({ url: 'redis://127.0.0.1:1', stallTimeout: 1 })]
    const stores = [new RedisStore({ cleanupInterval: null }), new NearCacheStore({ cleanupInterval: null })]
    for (const timer of timers) expect(timer).not.toHaveBeenCalled()
    vi.restoreAllMocks()
    for (const each of [...banks, ...stores]) await each.close()
  })
})
