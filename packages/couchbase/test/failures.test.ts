import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CouchbaseBank, CouchbaseStore, openBank } from '@connect-databank/couchbase'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bundle } from '../../../testing/bundle.js'
import { freePort } from '../../../testing/program.js'
import { startProxy } from '../../../testing/proxy.js'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { missing } from './server.ts'
import { Wire, withoutDurability } from './wire.ts'

const withCode = (code: string, message = /./) => expect.objectContaining({ code, message: expect.stringMatching(message) })
const entry = (payload: string) => ({ payload, expires: Date.now() + 3_600_000 })
let places = 0

describe.skipIf(missing)('Couchbase, when things go wrong', () => {
  let mock: Awaited<ReturnType<typeof startCouchbase>>
  beforeAll(async () => {
    mock = await startCouchbase()
  })
  afterAll(async () => {
    await mock?.stop()
  })

  describe('on the wire', () => {
    let wire: Wire
    let bank: CouchbaseBank
    let other: CouchbaseBank
    beforeEach(async () => {
      wire = await new Wire(mock.port).listen()
      const login = { username: 'user', password: 'password', prefix: `wire${places++}:` }
      bank = new CouchbaseBank({ url: wire.url, ...login, operationTimeout: 1_000 })
      other = new CouchbaseBank({ url: `couchbase://127.0.0.1:${mock.port}`, ...login })
      await bank.open()
      await other.open()
      // The SDK's connection to the bucket comes a moment later than its first.
      await bank.save('warm', entry('up'))
    })
    afterEach(async () => {
      await Promise.all([bank.close(), other.close()])
      await wire.close()
    })

    it('a document that it knows is not decoded again, another is', async () => {
      const first = entry('1')
      await bank.save('a', first)
      wire.onAnswer.set('get', (packet) => packet.fill(0, packet.length - 1))
      expect(await bank.read('a')).toEqual(first)
      wire.onAnswer.delete('get')
      const second = entry('2')
      await other.save('a', second)
      expect(await bank.read('a')).toEqual(second)
      await other.touch('a', second.expires + 1)
      expect(await bank.read('a')).toEqual({ ...second, expires: second.expires + 1 })
    })

    it('a swap and a touch of what was read or written are one operation each', async () => {
      await other.save('a', entry('1'))
      await bank.read('a')
      expect(await wire.during(() => bank.swap('a', '1', entry('2')))).toEqual(['replace'])
      expect(await wire.during(() => bank.touch('a', Date.now() + 9e6))).toEqual(['mutateIn'])
      expect(await wire.during(() => bank.swap('a', '2', entry('3')))).toEqual(['replace'])
      expect(await wire.during(() => bank.swap('b', null, entry('1')))).toEqual(['insert'])
      expect(await wire.during(() => bank.swap('b', '1', entry('2')))).toEqual(['replace'])
      expect(await other.read('a')).toMatchObject({ payload: '3' })
    })

    it('what another changed since costs one look', async () => {
      await other.save('a', entry('1'))
      await bank.read('a')
      const later = Date.now() + 9e6
      await other.touch('a', later)
      expect(await wire.during(() => bank.swap('a', '1', entry('2')))).toEqual(['replace', 'get', 'replace'])
      await other.swap('a', '2', { payload: '3', expires: later })
      expect(await wire.during(() => bank.touch('a', later + 1))).toEqual(['mutateIn', 'get', 'mutateIn'])
      expect(await other.read('a')).toEqual({ payload: '3', expires: later + 1 })
      await other.save('a', entry('theirs'))
      expect(await wire.during(() => bank.swap('a', '3', entry('ours')))).toEqual(['replace', 'get'])
      expect(await other.read('a')).toMatchObject({ payload: 'theirs' })
    })

    it('many touches of one session at once are one operation each', async () => {
      await bank.save('a', entry('1'))
      const asked = await wire.during(() => Promise.all([1, 2, 3, 4, 5].map((at) => bank.touch('a', Date.now() + 9e6 + at))))
      expect(asked).toEqual(['mutateIn', 'mutateIn', 'mutateIn', 'mutateIn', 'mutateIn'])
    })

    it('a touch never revives what another let die, however lately it was read', async () => {
      await other.save('a', entry('1'))
      await bank.read('a')
      const death = Date.now() + 5
      await other.touch('a', death)
      while (Date.now() <= death) await new Promise((resolve) => setImmediate(resolve))
      await bank.touch('a', Date.now() + 9e6)
      const found = await other.read('a')
      expect(found === null || (found.expires as number) <= Date.now()).toBe(true)
    })

    it.each(['replace', 'insert'] as const)('a swap whose answer was lost (%s) is looked up, and was done', async (name) => {
      const expected = name === 'insert' ? null : '1'
      if (expected !== null) await bank.save('a', entry(expected))
      wire.loseAnswer(name)
      expect(await wire.during(async () => expect(await bank.swap('a', expected, entry('2'))).toBe(true))).toEqual([name, 'get'])
      expect(await other.read('a')).toMatchObject({ payload: '2' })
    })

    it('a swap that never arrived is made again', async () => {
      await bank.save('a', entry('1'))
      wire.loseRequest('replace')
      expect(await bank.swap('a', '1', entry('2'))).toBe(true)
      expect(await other.read('a')).toMatchObject({ payload: '2' })
    })

    it('of a swap whose answer was lost and which was written over, nobody can say anything', async () => {
      await bank.save('a', entry('1'))
      let overwritten: Promise<void> | undefined
      wire.loseAnswer('replace', () => {
        overwritten = other.save('a', entry('3'))
      })
      await expect(bank.swap('a', '1', entry('2'))).rejects.toEqual(withCode('DATABANK_TIMEOUT'))
      await overwritten
      expect(await other.read('a')).toMatchObject({ payload: '3' })
    })

    it('other answers that are lost are time-outs', async () => {
      await bank.save('a', entry('1'))
      for (const [name, ask] of [
        ['upsert', () => bank.save('a', entry('2'))],
        ['mutateIn', () => bank.touch('a', 9e15)],
        ['remove', () => bank.delete('a')],
      ] as const) {
        await bank.read('a')
        wire.loseAnswer(name)
        await expect(ask()).rejects.toEqual(withCode('DATABANK_TIMEOUT'))
      }
      wire.onAnswer.set('get', () => null)
      await expect(bank.read('a')).rejects.toEqual(withCode('DATABANK_TIMEOUT'))
    })

    it('a wrong password is denied', async () => {
      const refused = 0x20
      wire.onAnswer.set('authenticate', (packet) => {
        packet.writeUInt16BE(refused, 6)
        return packet
      })
      const denied = new CouchbaseBank({ url: wire.url, username: 'user', password: 'wrong', connectTimeout: 2_000 })
      await expect(denied.open()).rejects.toEqual(withCode('DATABANK_DENIED'))
      await expect(denied.read('a')).rejects.toEqual(withCode('DATABANK_DENIED'))
      wire.onAnswer.delete('authenticate')
      expect(await denied.read('a')).toBeNull()
      await denied.close()
    })

    it.each([
      ['none', undefined],
      ['majority', 1],
      ['majorityAndPersistToActive', 2],
      ['persistToMajority', 3],
    ] as const)('every kind of write asks for the durability: %s', async (durability, expected) => {
      const asked: (number | undefined)[] = []
      const writes = ['upsert', 'insert', 'replace', 'mutateIn', 'remove'] as const
      for (const name of writes) {
        wire.onRequest.set(name, (packet) => {
          const { level, plain } = withoutDurability(packet)
          asked.push(level)
          return plain
        })
      }
      const prefix = `durable${places++}:`
      const durable = new CouchbaseBank({ url: wire.url, username: 'user', password: 'password', prefix, durability })
      await durable.save('a', entry('1'))
      expect(await durable.swap('b', null, entry('1'))).toBe(true)
      expect(await durable.swap('b', '1', entry('2'))).toBe(true)
      await durable.touch('b', Date.now() + 9e6)
      expect(await durable.delete('b')).toBe(true)
      await durable.close()
      expect(asked).toEqual(writes.map(() => expected))
    })

    it('what a later version wrote is no session, and not written over in silence', async () => {
      await bank.save('a', entry('1'))
      const { connect } = await import('couchbase')
      const cluster = await connect(`couchbase://127.0.0.1:${mock.port}`, { username: 'user', password: 'password' })
      const key = `wire${places - 1}:a`
      await cluster
        .bucket('default')
        .defaultCollection()
        .upsert(key, { databank: { version: 2 }, payload: 'x' })
      await expect(bank.read('a')).rejects.toEqual(withCode('DATABANK_INVALID_RECORD'))
      await expect(bank.swap('a', '1', entry('2'))).rejects.toEqual(withCode('DATABANK_INVALID_RECORD'))
      await cluster.close()
    })
  })

  it('a server that is not there is unavailable, within the time of the store', async () => {
    const port = await freePort()
    const store = new CouchbaseStore({
      url: `couchbase://127.0.0.1:${port}`,
      username: 'user',
      password: 'password',
      timeout: 5_000,
    })
    const error = await new Promise((resolve) => store.get('a', resolve))
    expect(error).toEqual(withCode('DATABANK_UNAVAILABLE'))
    await store.close()
  })

  it('a bucket that is not there is said to be so', async () => {
    const bank = openBank(mock.url.replace(/default$/, 'nowhere'))
    await expect(bank.open?.()).rejects.toEqual(withCode('DATABANK_BACKEND_FAILED', /bucket/))
    await bank.close?.()
  })

  it('a server that freezes is a time-out, and works again when it thaws', async () => {
    const own = await startCouchbase()
    const bank = openBank(own.url, { operationTimeout: 500 })
    try {
      await bank.save('a', entry('1'))
      own.program.freeze()
      // The signal takes a moment to reach all of its threads.
      const codeOfRead = () => bank.read('a').then(String, (error) => error.code)
      await expect.poll(codeOfRead, { timeout: 10_000 }).toBe('DATABANK_TIMEOUT')
      await expect(bank.save('a', entry('2'))).rejects.toEqual(withCode('DATABANK_TIMEOUT'))
      // The SDK would stop the process to begin a scan.
      let isTurning = false
      setTimeout(() => {
        isTurning = true
      }, 50)
      await expect(bank.count?.(0)).rejects.toEqual(withCode('DATABANK_TIMEOUT'))
      expect(isTurning).toBe(true)
      own.program.thaw()
      await expect.poll(codeOfRead, { timeout: 10_000 }).toBe('[object Object]')
      await own.stop()
      await expect(bank.read('a')).rejects.toEqual(
        expect.objectContaining({ code: expect.stringMatching(/^DATABANK_(TIMEOUT|UNAVAILABLE)$/) }),
      )
    } finally {
      await bank.close?.()
      await own.stop()
    }
  })

  it('a server that is killed is said to be away, and used again when it is back, empty', async () => {
    const own = await startCouchbase()
    const proxy = await startProxy(own.port, { isAnnounced: true })
    const url = own.url.replace(`:${own.port}/`, `:${proxy.port}/`)
    const bank = openBank(url, { operationTimeout: 1_000 }) as CouchbaseBank
    try {
      await expect
        .poll(() => bank.save('a', entry('1')).then(String, (error) => error.code), { timeout: 20_000 })
        .toBe('undefined')
      await own.program.stop()
      const away = expect.objectContaining({ code: expect.stringMatching(/^DATABANK_(TIMEOUT|UNAVAILABLE)$/) })
      const asked = [bank.read('a'), bank.save('a', entry('2')), bank.swap('a', '1', entry('2')), bank.delete('a')]
      for (const outcome of await Promise.allSettled(asked)) expect(outcome).toMatchObject({ status: 'rejected', reason: away })
      proxy.target = await own.restart()
      // What the bank knew of the old server's documents must not be taken for what is there.
      await expect.poll(() => bank.read('a').then(String, (error) => error.code), { timeout: 20_000 }).toBe('null')
      expect(await bank.swap('a', '1', entry('2'))).toBe(false)
      expect(await bank.swap('a', null, entry('3'))).toBe(true)
      expect(await bank.read('a')).toMatchObject({ payload: '3' })
    } finally {
      await bank.close()
      await proxy.close()
      await own.stop()
    }
  })

  it('a closed bank says so', async () => {
    const bank = openBank(mock.url)
    await bank.open?.()
    const writes = [1, 2, 3].map((at) => bank.save(`closing ${at}`, entry('x')))
    await Promise.all([bank.close?.(), ...writes])
    await expect(bank.read('a')).rejects.toEqual(withCode('DATABANK_CLOSED'))
    await bank.close?.()
  })

  describe('a process', () => {
    let program: Awaited<ReturnType<typeof bundle>>
    beforeAll(async () => {
      program = await bundle({ process: fileURLToPath(new URL('./process.ts', import.meta.url)) })
    })
    afterAll(() => program.remove())

    it.each(['closes', 'fails', 'frozen'])('that %s ends by itself', async (what) => {
      const own = await startCouchbase()
      const url = what === 'fails' ? `couchbase://user:password@127.0.0.1:${await freePort()}/default` : own.url
      try {
        const child = spawn(process.execPath, [join(program.folder, 'process.js'), url], {
          stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        })
        const ended = once(child, 'exit')
        await once(child, 'message')
        if (what === 'frozen') own.program.freeze()
        child.send('go')
        expect(await ended).toEqual([0, null])
      } finally {
        await own.stop()
      }
    })
  })

  it.each([
    ['redis://host', {}],
    ['couchbase://', {}],
    ['couchbase://host/a/b/c/d', {}],
    ['couchbase://%zz@host', {}],
    ['couchbase://host', { prefix: 'x'.repeat(240) }],
    ['couchbase://host', { durability: 'much' as never }],
    ['couchbase://host', { other: 1 } as never],
    ['couchbase://host', { cluster: { bucket() {}, query() {} } as never }],
  ])('takes no %s with %j', (url, options) => {
    expect(() => openBank(url, options)).toThrow(expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }))
  })
})
