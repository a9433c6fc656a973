// What an operation asks of the server: one command, or two in one packet; and no script that is not needed.
import { expect, it } from 'vitest'
import { RedisBank } from '../src/index.ts'
import { listed } from './requests.ts'
import { onEachServer } from './servers.ts'

/** The commands that the server was given since the last call, by INFO, without those of this function. */
function commandCounter(redis: Parameters<Parameters<typeof onEachServer>[0]>[0]) {
  return async (): Promise<Record<string, number>> => {
    const info = await redis().info('commandstats')
    await redis().admin(['CONFIG', 'RESETSTAT'])
    const calls = [...info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, count]) => [name!, Number(count)] as const)
    const own = ['info', 'config|resetstat', 'config', 'hello', 'client', 'command']
    return Object.fromEntries(calls.filter(([name]) => !own.includes(name.split('|')[0]!) && !own.includes(name)))
  }
}

onEachServer((redis, name) => {
  const commands = commandCounter(redis)

  it('a read is two commands, a write is one, also of a session with an owner', async () => {
    const bank = new RedisBank({ url: redis().url, prefix: 'commands:' })
    const hasExpiryTime = name !== 'redis-oldest'
    const read = hasExpiryTime ? { get: 1, pexpiretime: 1 } : { get: 1, evalsha: 1 }
    for (const owner of [null, 'ada']) {
      const entry = { payload: 'one', expires: Date.now() + 1e6, owner }
      await bank.save('a', entry)
      // Once, so that the server has the scripts.
      const first = await bank.swap('a', (await bank.read('a'))!.version!, entry)
      await commands()
      const version = (await bank.swap('a', first, { ...entry, payload: 'two' }))!
      expect(await commands()).toEqual({ evalsha: 1, getrange: 1, set: 1 })
      await bank.touch('a', entry.expires + 1)
      expect(await commands()).toEqual({ pexpireat: 1 })
      await bank.touch('a', null)
      expect(await commands()).toEqual({ persist: 1 })
      await bank.touch('a', entry.expires)
      await commands()
      expect(await bank.read('a')).toEqual({ ...entry, payload: 'two', version })
      // Without PEXPIRETIME, a script reads the clock before and after, and begins again if it has moved between.
      const { time = 0, pttl = 0, ...others } = await commands()
      expect(others).toEqual(read)
      expect(pttl > 0).toBe(!hasExpiryTime)
      expect(time).toBe(2 * pttl)
      expect(await bank.swap('a', 'another', { payload: 'one', expires: null })).toBe(null)
      expect(await commands()).toEqual({ evalsha: 1, get: 1 })
      await bank.delete('a')
      expect(await commands()).toEqual({ unlink: 1 })
    }
    await bank.swap('a', null, { payload: 'one', expires: null })
    await bank.save('a', { payload: 'one', expires: null })
    expect(await commands()).toEqual({ set: 2 })
    await bank.close()
  })

  it('a clean-up looks at no session if no owner is stored', async () => {
    const bank = new RedisBank({ url: redis().url, prefix: 'unowned:' })
    for (let count = 0; count < 50; count++) await bank.save(`${count}`, { payload: 'one', expires: null })
    await commands()
    expect(await bank.purge(Date.now())).toBe(0)
    expect(await commands()).toEqual({ zrangebylex: 64 })
    await bank.close()
  })

  it('a listing looks at keys by SCAN', async () => {
    const bank = new RedisBank({ url: redis().url, prefix: 'listed:' })
    for (let count = 0; count < 250; count++) await bank.save(`${count}`, { payload: 'one', expires: null })
    await bank.count(0)
    await commands()
    expect(await bank.count(Date.now())).toBe(250)
    expect(await listed(bank.scan())).toHaveLength(250)
    const { scan, mget, evalsha, keys = 0 } = await commands()
    expect(scan).toBeLessThan(10)
    expect(mget).toBeLessThan(10)
    expect(evalsha).toBeLessThan(15)
    expect(keys).toBe(0)
    await bank.close()
  })
})
