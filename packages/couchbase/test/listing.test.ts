// CouchbaseMock has no query service. This runs all of this package and of the SDK, over HTTP, against a small one of the tests' own.
// The documents are on CouchbaseMock.
import { CouchbaseBank, CouchbaseStore } from '@connect-databank/couchbase'
import type { Cluster, Collection } from 'couchbase'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { QueryService } from './query-service.ts'
import { connectCluster, inAnHour, missing } from './support.ts'
import { Wire } from './wire.ts'

describe.skipIf(missing)('a Couchbase bank that lists by SQL++', () => {
  let mock: Awaited<ReturnType<typeof startCouchbase>>
  let wire: Wire
  let service: QueryService
  let cluster: Cluster
  let collection: Collection
  let bank: CouchbaseBank
  let store: CouchbaseStore
  const prefix = 'query:'
  beforeAll(async () => {
    mock = await startCouchbase()
    wire = await new Wire(mock.port).listen()
    service = await new QueryService().listen()
    wire.queryPort = service.port
    cluster = await connectCluster(wire.url)
    collection = cluster.bucket('default').defaultCollection()
    bank = new CouchbaseBank({ collection, prefix, connectTimeout: 25_000 })
    store = new CouchbaseStore({ collection, prefix, connectTimeout: 25_000, cleanupInterval: null })
  })
  afterAll(async () => {
    await bank?.close()
    await store?.close()
    await cluster?.close()
    await service?.close()
    await wire?.close()
    await mock?.stop()
  })
  beforeEach(() => {
    service.queries.length = 0
    service.refusal = undefined
  })

  const found = async () => {
    const all = []
    for await (const each of bank.scan()) all.push(each)
    return new Map(all)
  }

  it('asks for a page of keys, as they are after all writes, and for the next', async () => {
    service.keys = Array.from({ length: 1_001 }, (_, at) => `${prefix}${String(at).padStart(4, '0')}`)
    expect((await found()).size).toBe(0)
    expect(service.queries.map(({ args }) => args[2])).toEqual(['', `${prefix}0499`, `${prefix}0999`])
    expect(service.queries[0]).toMatchObject({
      statement:
        'SELECT RAW META(d).id FROM `default`.`_default`.`_default` AS d ' +
        'WHERE META(d).id >= $1 AND META(d).id < $2 AND META(d).id > $3 ORDER BY META(d).id LIMIT 500',
      args: [prefix, `${prefix}\u{10ffff}`, ''],
      scan_consistency: 'request_plus',
    })
  })

  it('yields each document that is stored, and none of others', async () => {
    const expires = inAnHour()
    const ids = ['a', 'ü', '\u{10fffe}', 'k'.repeat(200), '#']
    for (const id of ids) await bank.save(id, { payload: `of ${id}`, expires, owner: 'ada' })
    service.keys = ['other:a', ...ids.map((id) => prefix + id), `${prefix}gone`, 'queryx']
    const all = await found()
    expect([...all.keys()].sort()).toEqual([...ids].sort())
    for (const id of ids) expect(all.get(id)).toMatchObject({ payload: `of ${id}`, expires, owner: 'ada' })
    await Promise.all(ids.map((id) => bank.delete(id)))
  })

  it('serves all, length and clear of a store, and one bad document harms none of them', async () => {
    const cookie = { originalMaxAge: 3_600_000, expires: new Date(inAnHour()) }
    for (const sid of ['a', 'b']) await store.set(sid, { cookie, sid } as never)
    await collection.upsert(`${prefix}odd`, { databank: { version: 2 }, payload: 1 })
    service.keys = ['a', 'b', 'odd'].map((id) => prefix + id)
    const reported: string[] = []
    store.on('corrupt', ({ sid }: { sid: string }) => reported.push(sid))
    expect((await store.all()).length).toBe(2)
    expect(await store.length()).toBe(2)
    expect(reported).toContain('odd')
    await store.clear()
    for (const id of ['a', 'b', 'odd']) expect(await bank.read(id)).toBeNull()
  })

  it('purges, for a time in the future, what has expired then', async () => {
    const now = Date.now()
    await bank.save('an hour', { payload: 'a', expires: now + 3_600_000 })
    await bank.save('three hours', { payload: 'b', expires: now + 3 * 3_600_000 })
    service.keys = ['an hour', 'three hours'].map((id) => prefix + id)
    expect(await bank.purge(now)).toBe(0)
    expect(service.queries).toEqual([])
    expect(await bank.purge(now + 2 * 3_600_000)).toBe(1)
    expect(await bank.read('an hour')).toBeNull()
    expect(await bank.read('three hours')).toMatchObject({ payload: 'b' })
  })

  it('purges nothing that was written anew after it was read', async () => {
    const now = Date.now()
    const other = new CouchbaseBank({ url: mock.url, prefix, connectTimeout: 25_000 })
    await bank.save('a', { payload: 'a', expires: now + 3_600_000 })
    service.keys = [`${prefix}a`]
    const held = new Promise<Buffer>((resolve) => {
      wire.onRequest.set('remove', (packet) => {
        wire.onRequest.delete('remove')
        resolve(packet)
        return null
      })
    })
    const purging = bank.purge(now + 2 * 3_600_000)
    const packet = await held
    await other.save('a', { payload: 'anew', expires: now + 3 * 3_600_000 })
    wire.sendToServer(packet)
    expect(await purging).toBe(0)
    expect(await other.read('a')).toMatchObject({ payload: 'anew' })
    await other.close()
  })

  it.each([
    ['no index', 'DATABANK_NOT_SUPPORTED', { httpStatus: 404, code: 4000, msg: 'No index available on keyspace `default`.' }],
    [
      'no rights',
      'DATABANK_DENIED',
      { httpStatus: 401, code: 13014, msg: 'User does not have credentials to run SELECT queries.' },
    ],
    ['a failure of its own', 'DATABANK_BACKEND_FAILED', { httpStatus: 500, code: 5000, msg: 'Panic.' }],
  ])('says by its code that there is %s', async (_what, code, refusal) => {
    service.refusal = refusal
    await expect(bank.scan().next()).rejects.toMatchObject({ code })
    await expect(store.clear()).rejects.toMatchObject({ code })
  })

  it('tells the version of the server, and check() with it; none where the query is refused', async () => {
    expect(await bank.describe()).toEqual({ server: `Couchbase ${service.version}` })
    expect(await store.check()).toMatchObject({ backend: 'couchbase', server: `Couchbase ${service.version}` })
    service.refusal = { httpStatus: 401, code: 13014, msg: 'User does not have credentials to run SELECT queries.' }
    expect(await bank.describe()).toEqual({ server: 'Couchbase' })
  })

  it('says what is missing where there is no query service', async () => {
    const own = await startCouchbase()
    const lonely = new CouchbaseBank({ url: own.url, connectTimeout: 25_000 }, { timeout: 1_000, warn() {} })
    const refusal = { code: 'DATABANK_NOT_SUPPORTED', message: expect.stringMatching(/query service and a primary index/) }
    await expect(lonely.scan().next()).rejects.toMatchObject(refusal)
    expect(await lonely.describe()).toEqual({ server: 'Couchbase' })
    await lonely.close()
    await own.stop()
  })
})
