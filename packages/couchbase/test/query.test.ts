// CouchbaseMock has no query service to speak of. This runs all of ours and all of the SDK against a small one of the tests' own,
// over HTTP; the documents are on CouchbaseMock.
import { CouchbaseBank } from '@connect-databank/couchbase'
import { type Cluster, connect, UnsupportedOperationError } from 'couchbase'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { placeOf } from '../src/keys.ts'
import { QueryService } from './query-service.ts'
import { missing } from './server.ts'
import { Wire } from './wire.ts'

describe.skipIf(missing)('a Couchbase bank that lists by SQL++', () => {
  let mock: Awaited<ReturnType<typeof startCouchbase>>
  let wire: Wire
  let service: QueryService
  let cluster: Cluster
  let bank: CouchbaseBank
  const prefix = 'query:'
  beforeAll(async () => {
    mock = await startCouchbase()
    wire = await new Wire(mock.port).listen()
    service = await new QueryService().listen()
    wire.queryPort = service.port
    cluster = await connect(wire.url, { username: 'user', password: 'password', timeouts: { bootstrapTimeout: 25_000 } })
    const collection = cluster.bucket('default').defaultCollection()
    // As CouchbaseMock answers; but the SDK would stop this process, and so the wire, until it has the answer.
    collection.scan = () => {
      throw new UnsupportedOperationError()
    }
    bank = new CouchbaseBank({ collection, prefix, connectTimeout: 25_000 })
  })
  afterAll(async () => {
    await bank?.close()
    await cluster?.close()
    await service?.close()
    await wire?.close()
    await mock?.stop()
  })
  beforeEach(() => {
    service.asked.length = 0
    service.refusal = undefined
  })

  it('asks for a page of keys, as they are after all writes, and for the next', async () => {
    service.keys = Array.from({ length: 1_001 }, (_, at) => `${prefix}${String(at).padStart(4, '0')}`)
    expect(await bank.count(Date.now())).toBe(0)
    expect(service.asked.map(({ args }) => args[2])).toEqual(['', `${prefix}0499`, `${prefix}0999`])
    expect(service.asked[0]).toMatchObject({
      statement:
        'SELECT RAW META(d).id FROM `default`.`_default`.`_default` AS d ' +
        'WHERE META(d).id >= $1 AND META(d).id < $2 AND META(d).id > $3 ORDER BY META(d).id LIMIT 500',
      args: [prefix, `${prefix}\u{10ffff}`, ''],
      scan_consistency: 'request_plus',
    })
  })

  it('gives each document that is there, counts the living, clears its own', async () => {
    const future = Date.now() + 3_600_000
    const ids = ['a', 'ü', '\u{10fffe}', 'k'.repeat(500), '#']
    for (const id of ids) await bank.save(id, { payload: `of ${id}`, expires: future })
    service.keys = ['other:a', ...ids.map((id) => placeOf(prefix, id).key), `${prefix}gone`, 'queryx']
    const found = []
    for await (const each of bank.scan()) found.push(each)
    expect(new Map(found)).toEqual(new Map(ids.map((id) => [id, { payload: `of ${id}`, expires: future }])))
    expect(await bank.count(Date.now())).toBe(ids.length)
    expect(await bank.count(future)).toBe(0)
    await bank.clear()
    for (const id of ids) expect(await bank.read(id)).toBeNull()
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
    await expect(bank.count(Date.now())).rejects.toMatchObject({ code })
    await expect(bank.clear()).rejects.toMatchObject({ code })
  })
})
