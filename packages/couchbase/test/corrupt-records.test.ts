import { CouchbaseBank, CouchbaseStore } from '@connect-databank/couchbase'
import { type Cluster, type Collection, RawStringTranscoder } from 'couchbase'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { connectCluster, inAnHour, missing, nextPrefix } from './support.ts'

const session = JSON.stringify({ cookie: { originalMaxAge: null, expires: null }, mine: true })

/** Documents that are no session of this store's. */
const corrupt: Readonly<Record<string, unknown>> = {
  'an empty object': {},
  'a number': 12,
  null: null,
  'a list': [session],
  'a session without a cookie': { user: 'ada' },
  'a document of a later version': { databank: { version: 2, expires: null, write: 'x' }, payload: session },
  'a document whose expiry is text': { databank: { version: 1, expires: 'tomorrow', write: 'x' }, payload: session },
  'a document whose expiry is missing': { databank: { version: 1, write: 'x' }, payload: session },
  'a document without a version': { databank: { version: 1, expires: null }, payload: session },
  'a document whose payload is no text': { databank: { version: 1, expires: null, write: 'x' }, payload: { cookie: {} } },
  'a document with databank: null': { databank: null, payload: session },
  'a document whose payload was cut off': { databank: { version: 1, expires: null, write: 'x' }, payload: session.slice(0, -1) },
}

describe.skipIf(missing)('a record that is no session', () => {
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

  async function check(write: (key: string) => Promise<unknown>): Promise<void> {
    const prefix = nextPrefix()
    const store = new CouchbaseStore({ collection, prefix, cleanupInterval: null })
    const bank = new CouchbaseBank({ collection, prefix })
    const reported: string[] = []
    store.on('corrupt', ({ sid }: { sid: string }) => reported.push(sid))
    await write(`${prefix}odd`)
    expect(await store.get('odd')).toBeNull()
    // Events follow in a tick of their own.
    await new Promise((resolve) => setImmediate(resolve))
    expect(reported).toEqual(['odd'])

    const stored = await bank.read('odd')
    const next = { payload: session, expires: inAnHour() }
    expect(await bank.swap('odd', null, next, Date.now())).toBeNull()
    expect(await bank.swap('odd', 'another version', next, Date.now())).toBeNull()
    expect(await bank.swap('odd', String(stored?.version), next, Date.now())).toEqual(expect.any(String))
    expect(await store.get('odd')).toMatchObject({ mine: true })
    await Promise.all([store.close(), bank.close()])
  }

  for (const [name, content] of Object.entries(corrupt)) {
    it(`counts as missing for its own user, and is replaced by a swap that expects its version: ${name}`, () =>
      check((key) => collection.upsert(key, content)))
  }

  it('counts as missing for its own user, and is replaced by a swap that expects its version: text that is no JSON', () =>
    check((key) => collection.upsert(key, 'no JSON {', { transcoder: new RawStringTranscoder() })))
})
