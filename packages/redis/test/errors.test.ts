// What the server or the network refuses has a code.
import { afterEach, describe, expect, it } from 'vitest'
import { redisError } from '../src/errors.ts'
import { RedisBank, RedisStore } from '../src/index.ts'
import { onEachServer } from './servers.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

onEachServer((redis) => {
  it('what the server refuses has a code, also where a script met it', async () => {
    const bank = new RedisBank({ url: redis().url, prefix: 'refused:' })
    ends.push(
      () => bank.close(),
      () =>
        redis().admin(['CONFIG', 'SET', 'maxmemory', '0'], ['ACL', 'SETUSER', 'default', '+@all'], ['REPLICAOF', 'NO', 'ONE']),
    )
    const entry = { payload: 'one', expires: null }
    for (const isOurs of [true, false]) {
      await redis().admin(['SET', 'refused:a', 'by another program'])
      const expected = isOurs ? await bank.save('a', entry) : 'by another program'
      const swap = () => bank.swap('a', expected, entry)
      await redis().admin(['CONFIG', 'SET', 'maxmemory', '1'])
      await expect(bank.save('b', entry)).rejects.toMatchObject({ code: 'DATABANK_FULL' })
      await expect(swap()).rejects.toMatchObject({ code: 'DATABANK_FULL' })
      await redis().admin(['CONFIG', 'SET', 'maxmemory', '0'], ['UNLINK', 'refused:a'], ['SADD', 'refused:a', '1'])
      await expect(swap()).rejects.toMatchObject({ code: 'DATABANK_INVALID_RECORD' })
      await redis().admin(['UNLINK', 'refused:a'], ['ACL', 'SETUSER', 'default', '-get', '-getrange'])
      await expect(bank.read('a')).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
      await expect(swap()).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
      await redis().admin(['ACL', 'SETUSER', 'default', '+@all'], ['REPLICAOF', '127.0.0.1', '1'])
      await expect(swap()).resolves.toBe(null)
      await expect(bank.save('a', entry)).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
      await redis().admin(['REPLICAOF', 'NO', 'ONE'])
    }
  })
})

describe('a failure of the network', () => {
  it('to resolve a name is DATABANK_UNAVAILABLE, at once from open', async () => {
    const store = new RedisStore({ url: 'redis://no-such-host.invalid', timeout: 1_000 })
    ends.push(() => store.close())
    await expect(store.open()).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE', cause: { syscall: 'getaddrinfo' } })
    await expect(store.get('a')).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
  })

  it('has the code of the table that all backends share', () => {
    for (const code of [
      'ENOTFOUND',
      'EAI_AGAIN',
      'ETIMEOUT',
      'ESERVFAIL',
      'ECONNRESET',
      'EPIPE',
      'EHOSTUNREACH',
      'ENETUNREACH',
    ]) {
      const error = Object.assign(new Error(`connect ${code}`), { code })
      expect(redisError(error), code).toMatchObject({ code: 'DATABANK_UNAVAILABLE', cause: error })
      // As ioredis and node-redis wrap it.
      expect(redisError(new Error('all nodes failed', { cause: error }))).toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
      expect(redisError(new AggregateError([error], '')), code).toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
    }
    // A socket that the user may not open.
    expect(redisError(Object.assign(new Error('connect EACCES /run/redis.sock'), { code: 'EACCES' }))).toMatchObject({
      code: 'DATABANK_DENIED',
    })
    expect(redisError(new TypeError('a wrong call'))).toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
    expect(redisError(new Error('ERR something new'))).toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
  })
})
