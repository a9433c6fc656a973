import { setImmediate as nextTurn } from 'node:timers/promises'
import * as nodeRedis6 from 'redis'
import * as nodeRedis5 from 'redis-5'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { type Binary, type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { RedisBank, type RedisClient } from '../src/index.ts'
import { type Connected, singleClients } from './clients.ts'
import { conformance, conformanceOfStore } from './suite.ts'

const VERSIONS = { redis: 'Redis', 'redis-oldest': 'Redis 6.2', 'redis-recent': 'Redis 8', valkey: 'Valkey' }

for (const [name, title] of Object.entries(VERSIONS)) {
  describe.skipIf(server(name).missing)(title, () => {
    let redis: RedisServer
    beforeAll(async () => {
      redis = await startRedis({ binary: server(name)['binary'] as Binary })
    })
    afterAll(() => redis.stop())

    describe('by URL', () => {
      conformance(() => ({ url: redis.url }))
      if (name === 'redis') conformanceOfStore(() => ({ url: redis.url }))
    })

    it('is asked by the commands that it has', async () => {
      const bank = new RedisBank({ url: redis.url, prefix: 'commands:' })
      await redis.admin(['CONFIG', 'RESETSTAT'])
      const ids = ['a', 'b', 'c']
      for (const id of ids) {
        expect(await bank.swap(id, null, { payload: 'one', expires: null })).toBe(true)
        expect(await bank.swap(id, 'two', { payload: 'three', expires: null })).toBe(false)
        expect(await bank.swap(id, 'one', { payload: 'two', expires: null })).toBe(true)
        expect(await bank.read(id)).toEqual({ payload: 'two', expires: null })
      }
      const long = 'é'.repeat(20_000)
      await bank.save('long', { payload: long, expires: null })
      expect(await bank.swap('long', `${long}?`, { payload: 'never', expires: null })).toBe(false)
      expect(await bank.swap('long', long, { payload: 'short', expires: null })).toBe(true)
      await bank.close()
      const calls = commandCalls(await redis.info('commandstats'))
      // By script: compare-and-swap without SET … IFEQ, or of long texts; deaths without PEXPIRETIME.
      const scripts = (calls['eval'] ?? 0) + (calls['evalsha'] ?? 0)
      if (name === 'valkey') expect(scripts).toBeLessThanOrEqual(3)
      else expect(scripts).toBeGreaterThanOrEqual(6)
      expect(calls['pexpiretime'] ?? 0).toBe(name === 'redis-oldest' ? 0 : 3)
      expect(calls['keys'] ?? 0).toBe(0)
    })

    it('gets texts of clients that were told to give buffers, and in time', async () => {
      const commandOptions = { typeMapping: { [nodeRedis6.RESP_TYPES.BLOB_STRING]: Buffer }, timeout: 1 }
      for (const module of [nodeRedis6, nodeRedis5 as unknown as typeof nodeRedis6]) {
        const options = { url: redis.url, commandOptions }
        const clients = [
          module.createClient(options),
          module.createClient({ url: redis.url, commandOptions: { timeout: 1 } }),
          module.createClient({ url: redis.url, commandOptions: { timeout: 1_000 } }).withCommandOptions(commandOptions),
          module.createClientPool(options as object),
        ]
        for (const client of clients) await client.on('error', () => {}).connect()
        const banks = clients.map(
          (client, nth) => new RedisBank({ client: client as unknown as RedisClient, prefix: `mapped ${nth}:` }),
        )
        banks.push(new RedisBank({ url: redis.url, clientOptions: { commandOptions } }))
        for (const bank of banks) {
          const entry = { payload: 'text', expires: null }
          await bank.save('a', entry)
          // A client writes in the next `setImmediate`; timers that are due by then, come before.
          await nextTurn()
          const reading = bank.read('a')
          for (const end = performance.now() + 5; performance.now() < end; );
          expect(await reading).toEqual(entry)
          expect(await bank.readMany(['a', 'b'])).toEqual([entry, null])
          await bank.close()
        }
        for (const client of clients) client.destroy()
      }
    })

    it('takes any death that has been for one', async () => {
      for (const index of [false, true]) {
        const bank = new RedisBank({ url: redis.url, prefix: 'past:', index })
        for (const expires of [0, -1, -1e12, 0.5]) {
          const [before, long] = [{ payload: 'one', expires: null }, 'é'.repeat(20_000)]
          const after = { payload: 'two', expires }
          await bank.save('a', before)
          expect(await bank.swap('a', 'one', after)).toBe(true)
          expect(await bank.read('a')).toBe(null)
          await bank.save('a', { ...before, payload: long })
          expect(await bank.swap('a', long, after)).toBe(true)
          expect(await bank.swap('a', null, after)).toBe(true)
          await bank.save('a', before)
          await bank.touch('a', expires)
          await bank.touchMany([['a', expires]])
          await bank.save('a', after)
          expect(await bank.read('a')).toBe(null)
        }
        await bank.close()
      }
    })

    it('says what it refuses, to scripts as well', async () => {
      const bank = new RedisBank({ url: redis.url, prefix: 'refused:' })
      const entry = { payload: 'é'.repeat(20_000), expires: null }
      // Of a text so long the swap goes by script everywhere.
      const swap = () => bank.swap('a', entry.payload, entry)
      await bank.save('a', entry)
      await redis.admin(['CONFIG', 'SET', 'maxmemory', '1'])
      await expect(bank.save('b', entry)).rejects.toMatchObject({ code: 'DATABANK_FULL' })
      await expect(swap()).rejects.toMatchObject({ code: 'DATABANK_FULL' })
      await redis.admin(['CONFIG', 'SET', 'maxmemory', '0'], ['UNLINK', 'refused:a'], ['SADD', 'refused:a', '1'])
      await expect(bank.read('a')).rejects.toMatchObject({ code: 'DATABANK_INVALID_RECORD' })
      await expect(swap()).rejects.toMatchObject({ code: 'DATABANK_INVALID_RECORD' })
      await redis.admin(['UNLINK', 'refused:a'], ['ACL', 'SETUSER', 'default', '-get'])
      await expect(bank.read('a')).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
      await expect(swap()).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
      await redis.admin(['ACL', 'SETUSER', 'default', '+@all'], ['REPLICAOF', '127.0.0.1', '1'])
      await expect(swap()).resolves.toBe(false)
      await expect(bank.save('a', entry)).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
      await redis.admin(['REPLICAOF', 'NO', 'ONE'])
      await bank.close()
    })

    if (name !== 'redis') return
    for (const [client, connect] of Object.entries(singleClients)) {
      describe(`by a client of ${client}`, () => {
        let connected: Connected
        beforeAll(async () => {
          connected = await connect(redis.port)
        })
        afterAll(() => connected.close())
        conformance(() => ({ client: connected.client }))
        conformanceOfStore(() => ({ client: connected.client }))
      })
    }
  })
}

const url = server('redis')['url'] as string | undefined
if (url !== undefined) {
  describe('the server that REDIS_URL names', () => {
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

/** How often each command was called, by INFO. */
function commandCalls(info: string): Record<string, number> {
  return Object.fromEntries([...info.matchAll(/^cmdstat_(\w+):calls=(\d+)/gm)].map(([, name, calls]) => [name!, Number(calls)]))
}
