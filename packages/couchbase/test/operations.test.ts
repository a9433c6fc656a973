import { CouchbaseBank } from '@connect-databank/couchbase'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { entry, inAnHour, missing, nextPrefix } from './support.ts'
import { Wire, withoutDurability } from './wire.ts'

const withCode = (code: string) => expect.objectContaining({ code })
const aVersion = expect.any(String)

describe.skipIf(missing)('what is sent to the server', () => {
  let mock: Awaited<ReturnType<typeof startCouchbase>>
  let wire: Wire
  let bank: CouchbaseBank
  let other: CouchbaseBank
  beforeAll(async () => {
    mock = await startCouchbase()
  })
  afterAll(() => mock?.stop())
  beforeEach(async () => {
    wire = await new Wire(mock.port).listen()
    const login = { username: 'user', password: 'password', prefix: nextPrefix() }
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

  const swap = (on: CouchbaseBank, id: string, version: string | null, payload: string) =>
    on.swap(id, version, entry(payload), Date.now())
  const touch = (on: CouchbaseBank, id: string, expires: number | null) => on.touch(id, expires, Date.now())
  const versionOf = async (on: CouchbaseBank, id: string) => String((await on.read(id))?.version)

  it('a cached document is not decoded again, another is', async () => {
    const first = entry('1')
    await bank.save('a', first)
    wire.onAnswer.set('get', (packet) => packet.fill(0, packet.length - 1))
    expect(await bank.read('a')).toMatchObject(first)
    wire.onAnswer.delete('get')
    const second = entry('2')
    await other.save('a', second)
    expect(await bank.read('a')).toMatchObject(second)
    await touch(other, 'a', second.expires + 1)
    expect(await bank.read('a')).toMatchObject({ ...second, expires: second.expires + 1 })
  })

  it('a swap and a touch of what was read or written are one operation each', async () => {
    await other.save('a', entry('1'))
    let version = await versionOf(bank, 'a')
    const swapped = async (): Promise<void> => {
      version = String(await swap(bank, 'a', version, 'next'))
    }
    expect(await wire.during(swapped)).toEqual(['replace'])
    expect(await wire.during(() => touch(bank, 'a', Date.now() + 9e6))).toEqual(['mutateIn'])
    expect(await wire.during(swapped)).toEqual(['replace'])
    expect(await versionOf(other, 'a')).toBe(version)
    let inserted: string | null = null
    const insert = async (): Promise<void> => {
      inserted = await swap(bank, 'b', null, '1')
    }
    expect(await wire.during(insert)).toEqual(['insert'])
    expect(await wire.during(() => swap(bank, 'b', inserted, '2'))).toEqual(['replace'])
  })

  it('what another process changed since costs one read', async () => {
    await other.save('a', entry('1'))
    const version = await versionOf(bank, 'a')
    const later = Date.now() + 9e6
    await touch(other, 'a', later)
    let next: string | null = null
    const swapped = async (): Promise<void> => {
      next = await swap(bank, 'a', version, '2')
    }
    expect(await wire.during(swapped)).toEqual(['replace', 'get', 'replace'])
    expect(next).toEqual(aVersion)
    next = await other.swap('a', next, { payload: '3', expires: later }, Date.now())
    expect(await wire.during(() => touch(bank, 'a', later + 1))).toEqual(['mutateIn', 'get', 'mutateIn'])
    expect(await other.read('a')).toMatchObject({ payload: '3', expires: later + 1, version: next })
    await other.save('a', entry('theirs'))
    expect(await wire.during(() => swap(bank, 'a', next, 'ours'))).toEqual(['replace', 'get'])
    expect(await other.read('a')).toMatchObject({ payload: 'theirs' })
  })

  it.each([null, 1e15])(
    'a touch to a time that the server cannot hold (%s) replaces the document, and its old expiry',
    async (expires) => {
      const version = await bank.save('a', { payload: '1', expires: inAnHour() })
      expect(await wire.during(() => touch(bank, 'a', expires))).toEqual(['replace'])
      expect(await other.read('a')).toMatchObject({ payload: '1', expires, version })
    },
  )

  it('many touches of one session at once are one operation each', async () => {
    await bank.save('a', entry('1'))
    const start = Date.now() + 9e6
    const sent = await wire.during(() => Promise.all([1, 2, 3, 4, 5].map((at) => touch(bank, 'a', start + at))))
    expect(sent).toEqual(['mutateIn', 'mutateIn', 'mutateIn', 'mutateIn', 'mutateIn'])
  })

  it('touches of different sessions do not wait for each other', async () => {
    for (const id of ['a', 'b']) await bank.save(id, entry('1'))
    let release = (): void => undefined
    wire.onRequest.set('mutateIn', (packet) => {
      wire.onRequest.delete('mutateIn')
      release = () => wire.sendToServer(packet)
      return null
    })
    const first = touch(bank, 'a', inAnHour())
    await touch(bank, 'b', inAnHour())
    release()
    await first
  })

  it('a touch never revives a session that another process let expire, even if it was just read', async () => {
    await other.save('a', entry('1'))
    await bank.read('a')
    const expires = Date.now() + 5
    await touch(other, 'a', expires)
    while (Date.now() <= expires) await new Promise((resolve) => setImmediate(resolve))
    await touch(bank, 'a', Date.now() + 9e6)
    const found = await other.read('a')
    expect(found === null || (found.expires as number) <= Date.now()).toBe(true)
  })

  it.each(['replace', 'insert'] as const)('a swap whose answer was lost (%s) is looked up, and had happened', async (name) => {
    const expected = name === 'insert' ? null : await bank.save('a', entry('1'))
    wire.loseAnswer(name)
    let version: string | null = null
    const swapped = async (): Promise<void> => {
      version = await swap(bank, 'a', expected, '2')
    }
    expect(await wire.during(swapped)).toEqual([name, 'get'])
    expect(version).toEqual(aVersion)
    expect(await other.read('a')).toMatchObject({ payload: '2', version })
  })

  it('of two swaps with an expired entry that read the same version, one succeeds', async () => {
    const version = await bank.save('a', entry('1'))
    const expired = { payload: '2', expires: Date.now() - 1 }
    const swapExpired = (on: CouchbaseBank) => on.swap('a', version, expired, Date.now())
    let otherSwapped: Promise<string | null> | undefined
    wire.onRequest.set('remove', (packet) => {
      wire.onRequest.delete('remove')
      otherSwapped = swapExpired(other)
      void otherSwapped.finally(() => wire.sendToServer(packet))
      return null
    })
    expect(await swapExpired(bank)).toBe(null)
    expect(await otherSwapped).toEqual(aVersion)
  })

  it('a swap that never arrived is sent again', async () => {
    const version = await bank.save('a', entry('1'))
    wire.loseRequest('replace')
    expect(await swap(bank, 'a', version, '2')).toEqual(aVersion)
    expect(await other.read('a')).toMatchObject({ payload: '2' })
  })

  it('a swap whose answer was lost, and which was written over since, is a time-out: nobody can say whether it happened', async () => {
    const version = await bank.save('a', entry('1'))
    let overwritten: Promise<string> | undefined
    wire.loseAnswer('replace', () => {
      overwritten = other.save('a', entry('3'))
    })
    await expect(swap(bank, 'a', version, '2')).rejects.toEqual(withCode('DATABANK_TIMEOUT'))
    await overwritten
    expect(await other.read('a')).toMatchObject({ payload: '3' })
  })

  it('other answers that are lost are time-outs', async () => {
    await bank.save('a', entry('1'))
    for (const [name, ask] of [
      ['upsert', () => bank.save('a', entry('2'))],
      ['mutateIn', () => touch(bank, 'a', inAnHour())],
      ['remove', () => bank.delete('a')],
    ] as const) {
      await bank.read('a')
      wire.loseAnswer(name)
      await expect(ask()).rejects.toEqual(withCode('DATABANK_TIMEOUT'))
    }
    wire.onAnswer.set('get', () => null)
    await expect(bank.read('a')).rejects.toEqual(withCode('DATABANK_TIMEOUT'))
  })

  it('a wrong password is DATABANK_DENIED', async () => {
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
    const levels: (number | undefined)[] = []
    const writes = ['upsert', 'insert', 'replace', 'mutateIn', 'remove'] as const
    for (const name of writes) {
      wire.onRequest.set(name, (packet) => {
        const { level, plain } = withoutDurability(packet)
        levels.push(level)
        return plain
      })
    }
    const prefix = nextPrefix()
    const durable = new CouchbaseBank({ url: wire.url, username: 'user', password: 'password', prefix, durability })
    await durable.save('a', entry('1'))
    const version = await swap(durable, 'b', null, '1')
    expect(await swap(durable, 'b', version, '2')).toEqual(aVersion)
    await touch(durable, 'b', Date.now() + 9e6)
    expect(await durable.delete('b')).toBe(true)
    await durable.close()
    expect(levels).toEqual(writes.map(() => expected))
  })
})
