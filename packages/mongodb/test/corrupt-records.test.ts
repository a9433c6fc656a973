import assert from 'node:assert/strict'
import { type Bank, versionOf } from 'connect-databank/backend'
import { Binary, Decimal128, Long, MongoClient, ObjectId, Timestamp } from 'mongodb'
import { describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { relayTo } from './relay.ts'
import { ask, HOUR, onMongodb, sessionData } from './support.ts'

const { missing, program } = server('mongodb')

const expires = new Date(Date.now() + HOUR)
const session = JSON.stringify({ cookie: { originalMaxAge: HOUR, expires }, mine: true })

/** Fields of documents that are no session of this store's. */
const corrupt: Readonly<Record<string, object>> = {
  'no fields': {},
  'no session': { expires },
  'a session of null': { session: null, expires },
  'a session that is a number': { session: 12, expires },
  'a session that is a large number': { session: Long.MAX_VALUE, expires },
  'a session that is a decimal': { session: Decimal128.fromString('1.5'), expires },
  'a session that is true': { session: true, expires },
  'a session that is a list': { session: [session], expires },
  'a session that is a date': { session: expires, expires },
  'a session that is an id': { session: new ObjectId(), expires },
  'a session that is bytes': { session: new Binary(Buffer.from(session)), expires },
  'a session that is an expression': { session: /^a/, expires },
  'a session that is a timestamp': { session: new Timestamp({ t: 1, i: 2 }), expires },
  'a sub-document without a cookie': { session: { user: 'ada' }, expires },
  'an empty text': { session: '', expires },
  'a text that was cut off': { session: session.slice(0, -1), expires },
  'the text of a list': { session: '[]', expires },
  'a text that connect-mongo encrypted': { session: '{"hmac":"x","ct":"y"}', expires },
  'expires that is text': { session, expires: expires.toISOString() },
  'expires that is a number': { session, expires: expires.getTime() },
  'expires that is a number of the past': { session, expires: 1 },
  'expires that is true': { session, expires: true },
  'expires that is a list': { session, expires: [expires] },
  'expires that is a sub-document': { session, expires: { at: expires } },
  'expires that is no number': { session, expires: Number.NaN },
  'a record of connect-databank 1.x without an expiry': { cookie: 'none', user: 'ada' },
}

describe.skipIf(missing ?? program === undefined)('a record that is no session', () => {
  const mongodb = onMongodb()

  async function fresh(options: object = {}) {
    const collectionName = await mongodb.freshCollection()
    const { client } = mongodb
    const store = mongodb.store({ client, collectionName, cleanupInterval: null, log: silent, ...options })
    return { collectionName, store, collection: mongodb.collection(collectionName) }
  }
  const silent = { debug() {}, info() {}, warn() {}, error() {} }

  for (const [name, fields] of Object.entries(corrupt)) {
    it(`counts as missing for its own user, and harms nobody else: ${name}`, async () => {
      for (const options of [{}, { native: true }, { readDatabank: true }]) {
        const { collectionName, store, collection } = await fresh(options)
        const reported: string[] = []
        store.on('corrupt', ({ sid }: { sid: string }) => reported.push(sid))
        await Promise.all(['one', 'two', 'three'].map((sid) => ask(store, 'set', sid, sessionData({ sid }))))
        await collection.insertOne({ _id: 'odd', ...fields })
        await collection.insertOne({ _id: new ObjectId(), session })

        assert.equal(await ask(store, 'get', 'odd'), null)
        assert.ok(reported.includes('odd'), 'no event corrupt')
        const all = await ask(store, 'all')
        assert.deepEqual(all.map((each: { sid: string }) => each.sid).sort(), ['one', 'three', 'two'])
        await ask(store, 'length')
        await ask(store, 'cleanup')
        assert.equal((await ask(store, 'get', 'two')).sid, 'two')

        const bank: Bank = mongodb.bank({ client: mongodb.client, collectionName, ...options })
        const results = await bank.readMany!(['one', 'odd', 'two'])
        assert.ok(results.every((stored) => stored !== null))
        await ask(store, 'clear')
        assert.equal(await collection.countDocuments(), 0)
      }
    })

    it(`is replaced by a swap that expects its version, and by no other: ${name}`, async () => {
      for (const options of [{}, { native: true }, { readDatabank: true }]) {
        const { collectionName, collection } = await fresh(options)
        const bank = mongodb.bank({ client: mongodb.client, collectionName, ...options })
        const now = Date.now()
        await collection.insertOne({ _id: 'odd', ...fields })
        const stored = await bank.read('odd')
        assert.ok(stored !== null)
        const next = { payload: '{"cookie":{}}', expires: now + HOUR }
        assert.equal(await bank.swap('odd', `${versionOf(stored)} `, next, now), null)
        assert.equal(await bank.swap('odd', null, next, now), null)
        assert.equal(await bank.swap('odd', versionOf(stored), next, now), next.payload)
        const after = await bank.read('odd')
        assert.deepEqual([after?.payload, after?.expires], [next.payload, next.expires])
      }
    })
  }

  it('is saved over by the session that is stored under the same id', async () => {
    const { store, collection } = await fresh()
    await collection.insertOne({ _id: 'odd', session, expires: 'tomorrow' })
    await ask(store, 'set', 'odd', sessionData({ n: 1 }))
    assert.equal((await ask(store, 'get', 'odd')).n, 1)
  })

  it('is a document with invalid UTF-8: the others are read', async () => {
    const collectionName = await mongodb.freshCollection()
    // The stand-in for MongoDB refuses to store such bytes, so they are put into its answers.
    const relay = await relayTo(mongodb.server.port, { toClient: ['@@@@', '\xff\xfe\xff\xfe'] })
    const client = mongodb.keep(new MongoClient(relay.url))
    const store = mongodb.store({ client, collectionName })
    await ask(store, 'set', 'good', sessionData({ n: 1 }))
    await ask(store, 'set', 'odd', sessionData({ text: '@@@@' }))
    await assert.rejects(client.db('tests').collection(collectionName).find({}).toArray(), /UTF-8/)
    const all = await ask(store, 'all')
    assert.equal(all.filter((each: { n?: number }) => each.n === 1).length, 1)
    await client.close()
    relay.close()
  })

  it('of connect-databank 1.x: the log says how it is read', async () => {
    const warnings: string[] = []
    const log = { ...silent, warn: (...words: unknown[]) => void warnings.push(JSON.stringify(words)) }
    const { store, collection } = await fresh({ log })
    await collection.insertOne({ _id: 'sid', cookie: { expires: expires.toISOString() }, user: 'ada' })
    assert.equal(await ask(store, 'get', 'sid'), null)
    assert.equal(warnings.filter((warning) => /readDatabank: true/.test(warning)).length, 1, String(warnings))
  })
})
