import { CouchbaseBank, CouchbaseStore } from '@connect-databank/couchbase'
import type { Cluster, Collection } from 'couchbase'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { QueryService } from './query-service.ts'
import { connectCluster, inAnHour, missing, nextPrefix } from './support.ts'
import { Wire } from './wire.ts'

describe.skipIf(missing)('the sessions of an owner', () => {
  let mock: Awaited<ReturnType<typeof startCouchbase>>
  let wire: Wire
  let service: QueryService
  let cluster: Cluster
  let collection: Collection
  beforeAll(async () => {
    mock = await startCouchbase()
    wire = await new Wire(mock.port).listen()
    service = await new QueryService().listen()
    wire.queryPort = service.port
    cluster = await connectCluster(wire.url)
    collection = cluster.bucket('default').defaultCollection()
  })
  afterAll(async () => {
    await cluster?.close()
    await service?.close()
    await wire?.close()
    await mock?.stop()
  })
  beforeEach(() => {
    service.queries.length = 0
  })

  it('are found by a query where there is an index', async () => {
    const prefix = nextPrefix()
    const bank = new CouchbaseBank({ collection, prefix, ownerIndex: true, connectTimeout: 25_000 })
    service.keys = [`${prefix}a`, `${prefix}b`]
    const ids: string[] = []
    for await (const id of bank.idsOf!('ada')) ids.push(id)
    expect(ids).toEqual(['a', 'b'])
    expect(service.queries[0]).toMatchObject({
      statement:
        'SELECT RAW META(d).id FROM `default`.`_default`.`_default` AS d ' +
        'WHERE META(d).id >= $1 AND META(d).id < $2 AND META(d).id > $3 ' +
        'AND d.databank.owner = $4 AND (d.databank.expires IS NULL OR d.databank.expires > $5) ORDER BY META(d).id LIMIT 500',
      args: [prefix, `${prefix}\u{10ffff}`, '', 'ada', expect.any(Number)],
      scan_consistency: 'request_plus',
    })
    await bank.close()
  })

  it('are found among all where there is none', async () => {
    const prefix = nextPrefix()
    const bank = new CouchbaseBank({ collection, prefix, connectTimeout: 25_000 })
    expect(bank.idsOf).toBeUndefined()
    const owner = (session: object) => (session as { user?: string }).user ?? null
    const store = new CouchbaseStore({ collection, prefix, owner, cleanupInterval: null, connectTimeout: 25_000 })
    const cookie = { originalMaxAge: 3_600_000, expires: new Date(inAnHour()) }
    for (const [sid, user] of Object.entries({ a: 'ada', b: 'bob', c: 'ada' })) await store.set(sid, { cookie, user } as never)
    service.keys = ['a', 'b', 'c'].map((id) => prefix + id)
    expect(await store.destroySessionsOf('ada')).toBe(2)
    expect(await store.get('a')).toBeNull()
    expect(await store.get('b')).toMatchObject({ user: 'bob' })
    expect(service.queries.length).toBeGreaterThan(0)
    expect(service.queries[0]!.statement).not.toContain('owner')
    await Promise.all([store.close(), bank.close()])
  })
})
