import { CouchbaseBank } from '@connect-databank/couchbase'
import { type Cluster, type Collection, RawJsonTranscoder } from 'couchbase'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { connectCluster, HOUR, inAnHour, missing, nextPrefix } from './support.ts'

describe.skipIf(missing)('a document', () => {
  let mock: Awaited<ReturnType<typeof startCouchbase>>
  let cluster: Cluster
  let collection: Collection
  beforeAll(async () => {
    mock = await startCouchbase()
    cluster = await connectCluster(mock.url)
    collection = cluster.bucket('default').defaultCollection()
  })
  afterAll(async () => {
    await cluster?.close()
    await mock?.stop()
  })

  function open(options = {}) {
    const prefix = nextPrefix()
    return { prefix, bank: new CouchbaseBank({ collection, prefix, ...options }) }
  }

  it('has the key that connect-couchbase would look for, and holds payload, expiry, version and owner', async () => {
    const bank = new CouchbaseBank({ collection })
    const expires = inAnHour()
    const version = await bank.save('a', { payload: 'x', expires, owner: 'ada' })
    const { content } = await collection.get('sess:a')
    expect(content).toEqual({ databank: { version: 1, expires, write: version, owner: 'ada' }, payload: 'x' })
    await bank.save('a', { payload: 'x', expires, owner: null })
    expect((await collection.get('sess:a')).content.databank.owner).toBeUndefined()
    await bank.delete('a')
    await bank.close()
  })

  it('of connect-couchbase is read, swapped and touched', async () => {
    const { prefix, bank } = open()
    const expires = new Date(Date.now() + 60_000)
    // As connect-couchbase 0.2.10 does it: the JSON as a string.
    const cookie = { originalMaxAge: 60_000, expires, httpOnly: true, path: '/' }
    const text = JSON.stringify({ cookie, expires: 'mine', n: 1 })
    for (const id of ['read', 'swapped', 'touched']) await collection.upsert(prefix + id, text, { expiry: 60 })
    const stored = await bank.read('read')
    expect(stored).toMatchObject({ payload: text, expires: expect.any(Number) })
    expect(Math.abs(Number(stored?.expires) - expires.getTime())).toBeLessThan(2_000)

    const version = String((await bank.read('swapped'))?.version)
    const next = { payload: 'new', expires: null }
    expect(await bank.swap('swapped', `${version} `, next, Date.now())).toBeNull()
    expect(await bank.swap('swapped', version, next, Date.now())).toEqual(expect.any(String))
    expect(await bank.read('swapped')).toMatchObject(next)

    const before = String((await bank.read('touched'))?.version)
    const later = inAnHour() + 0.5
    await bank.touch('touched', later, Date.now())
    // The touch has rewritten it in our layout, and kept its version.
    expect(await bank.read('touched')).toMatchObject({ payload: text, expires: later, version: before })
    expect(await bank.swap('touched', before, next, Date.now())).toEqual(expect.any(String))
    await bank.close()
  })

  it('may have an id and a prefix as long as they can be', async () => {
    const prefix = nextPrefix().padEnd(40, 'p')
    const bank = new CouchbaseBank({ collection, prefix })
    for (const id of ['k'.repeat(200), 'ü'.repeat(100), '#']) {
      const entry = { payload: `of ${id}`, expires: null }
      await bank.save(id, entry)
      expect(await bank.read(id)).toMatchObject(entry)
    }
    await bank.close()
  })

  it('is kept if it expires after the time that the server can count', async () => {
    const { bank } = open()
    for (const expires of [Date.UTC(2106, 1, 8), 8.64e15, null, Date.now() + 40 * 86_400_000]) {
      await bank.save('a', { payload: 'x', expires })
      expect(await bank.read('a')).toMatchObject({ payload: 'x', expires })
    }
    await bank.close()
  })

  it('is deleted by a swap with an entry that has expired, and made by none', async () => {
    const { bank } = open()
    const [live, expired] = [
      { payload: 'live', expires: inAnHour() },
      { payload: 'expired', expires: 1_000 },
    ]
    const version = await bank.save('a', live)
    expect(await bank.swap('a', null, expired, Date.now())).toBeNull()
    expect(await bank.read('a')).toMatchObject(live)
    expect(await bank.swap('a', version, expired, Date.now())).toEqual(expect.any(String))
    expect(await bank.read('a')).toBeNull()
    expect(await bank.swap('missing', null, expired, Date.now())).toEqual(expect.any(String))
    expect(await bank.read('missing')).toBeNull()
    await bank.close()
  })

  it('is swapped and touched right when nothing is cached', async () => {
    const { bank } = open({ memory: 0 })
    const version = await bank.save('a', { payload: '1', expires: null })
    expect(await bank.swap('a', 'another', { payload: '2', expires: null }, Date.now())).toBeNull()
    expect(await bank.swap('a', version, { payload: '2', expires: null }, Date.now())).toEqual(expect.any(String))
    const later = inAnHour()
    await bank.touch('a', later, Date.now())
    expect(await bank.read('a')).toMatchObject({ payload: '2', expires: later })
    await bank.close()
  })

  it('is read and written whatever transcoder the cluster has', async () => {
    const fails = (): never => {
      throw new Error('the transcoder of the cluster was used')
    }
    for (const transcoder of [new RawJsonTranscoder(), { encode: fails, decode: fails }]) {
      const other = await connectCluster(mock.url, { transcoder })
      const bank = new CouchbaseBank({ cluster: other, prefix: nextPrefix() })
      const version = await bank.save('a', { payload: '{"a":1}', expires: null, owner: 'ada' })
      expect(await bank.swap('a', version, { payload: '2', expires: null, owner: 'ada' }, Date.now())).toEqual(expect.any(String))
      await bank.touch('a', Date.now() + HOUR, Date.now())
      expect(await bank.read('a')).toMatchObject({ payload: '2', owner: 'ada' })
      expect(await bank.delete('a')).toBe(true)
      await bank.close()
      await other.close()
    }
  })
})
