import assert from 'node:assert/strict'
import { MongoClient, ObjectId } from 'mongodb'
import { MongoClient as MongoClient6 } from 'mongodb-6'
import { describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import type { MongoBankOptions, MongoClientLike } from '../src/index.ts'
import { HOUR, onMongodb } from './support.ts'

const { missing, program } = server('mongodb')
const alive = () => Date.now() + HOUR

describe.skipIf(missing ?? program === undefined)('what stands in the collection', () => {
  const mongodb = onMongodb()

  async function fresh(options: MongoBankOptions = {}) {
    const collectionName = await mongodb.freshCollection()
    return { bank: mongodb.bank({ collectionName, ...options }), collection: mongodb.collection(collectionName), collectionName }
  }

  it('is _id, session as text, and expires as a Date', async () => {
    const { bank, collection } = await fresh()
    const expires = alive()
    await bank.save('sid', { payload: '{"cookie":{}}', expires })
    assert.deepEqual(await collection.find().toArray(), [{ _id: 'sid', session: '{"cookie":{}}', expires: new Date(expires) }])
  })

  it('is text that UTF-8 cannot hold as bytes, and comes back to the letter', async () => {
    const { bank, collection } = await fresh()
    const entry = { payload: 'half a \ud83d character', expires: alive() }
    await bank.save('sid', entry)
    assert.deepEqual(await bank.read('sid'), entry)
    assert.notEqual(typeof (await collection.findOne({ _id: 'sid' })).session, 'string')
    assert.equal(await bank.swap('sid', 'half a \ud83e character', entry), false)
    assert.equal(await bank.swap('sid', entry.payload, { ...entry, payload: 'b' }), true)
    assert.equal((await bank.read('sid'))?.payload, 'b')
  })

  it('is a death after the year 9999 as a number, which is alive to every condition', async () => {
    const { bank, collection } = await fresh()
    const expires = 8.64e15
    await bank.save('sid', { payload: 'a', expires: alive() })
    await bank.touch('sid', expires)
    assert.equal((await collection.findOne({ _id: 'sid' })).expires, expires)
    assert.deepEqual(await bank.read('sid'), { payload: 'a', expires })
    assert.equal(await bank.count(Date.now()), 1)
    assert.equal(await bank.purge(Date.now()), 0)
    assert.equal(await bank.swap('sid', null, { payload: 'b', expires }), false)
    assert.equal(await bank.swap('sid', 'a', { payload: 'b', expires: alive() }), true)
  })

  it('keeps the fields and the documents of others', async () => {
    const { bank, collection } = await fresh()
    await collection.insertOne({ _id: new ObjectId(), session: '{}' })
    await collection.insertOne({ _id: 'sid', session: 'a', expires: new Date(alive()), owner: 'ada' })
    await bank.save('sid', { payload: 'b', expires: alive() })
    await bank.swap('sid', 'b', { payload: 'c', expires: alive() })
    const { session, owner } = await collection.findOne({ _id: 'sid' })
    assert.deepEqual([session, owner], ['c', 'ada'])
    const ids = []
    for await (const [id] of bank.scan()) ids.push(id)
    assert.deepEqual(ids, ['sid'])
  })

  it('that is no session is refused, not served and not overwritten by a swap', async () => {
    const { bank, collection } = await fresh()
    const strange = [{ session: 12 }, { session: null }, {}, { session: 'a', expires: 'tomorrow' }, { cookie: {}, user: 'ada' }]
    for (const [index, fields] of strange.entries()) {
      const _id = `sid-${index}`
      await collection.insertOne({ _id, ...fields })
      await assert.rejects(bank.read(_id), { code: 'DATABANK_INVALID_RECORD' })
      await assert.rejects(bank.swap(_id, 'b', { payload: 'c', expires: null }), { code: 'DATABANK_INVALID_RECORD' })
      assert.deepEqual(await collection.findOne({ _id }), { _id, ...fields })
    }
  })

  it('may hold 16 MiB; more is refused before anything is written', async () => {
    const { bank } = await fresh()
    const large = { payload: 'é'.repeat(8 * 1024 * 1024 - 20_000), expires: alive() }
    await bank.save('sid', large)
    assert.equal((await bank.read('sid'))?.payload.length, large.payload.length)
    const larger = { ...large, payload: `${large.payload}${'é'.repeat(20_000)}` }
    await assert.rejects(bank.save('sid', larger), { code: 'DATABANK_INVALID_SESSION' })
    await assert.rejects(bank.swap('sid', large.payload, larger), { code: 'DATABANK_INVALID_SESSION' })
    assert.equal((await bank.read('sid'))?.payload.length, large.payload.length)
  })

  it('keeps its indexes when it is cleared', async () => {
    const { bank, collection } = await fresh()
    await bank.open()
    await collection.createIndex({ owner: 1 })
    await bank.save('sid', { payload: 'a', expires: null })
    await bank.clear()
    assert.equal(await collection.countDocuments(), 0)
    assert.deepEqual((await collection.indexes()).map(({ name }) => name).sort(), ['_id_', 'expires_1', 'owner_1'])
  })

  it('is written by a client of the drivers 6 and 7, however it is set, which stays open', async () => {
    const settings = { promoteValues: false, ignoreUndefined: true, readPreference: 'secondaryPreferred' } as const
    const clients: MongoClientLike[] = [new MongoClient(mongodb.url, settings), new MongoClient6(mongodb.url, settings)]
    for (const client of clients.map(mongodb.keep)) {
      const { bank, collection } = await fresh({ client, native: true })
      const payload = JSON.stringify({ cookie: { expires: new Date(alive()).toISOString() }, n: 2 ** 40, list: [1, 1.5, null] })
      await bank.save('sid', { payload, expires: alive() })
      assert.equal((await bank.read('sid'))?.payload, payload)
      assert.equal(await bank.swap('sid', payload, { payload: '{"n":2}', expires: null }), true)
      assert.deepEqual(await collection.findOne({ _id: 'sid' }), { _id: 'sid', session: { n: 2 } })
      await bank.close()
      await assert.rejects(bank.read('sid'), { code: 'DATABANK_CLOSED' })
      assert.ok((await client.db('tests').collection('any').countDocuments({})) >= 0)
    }
  })

  describe('as sub-documents', () => {
    it('gives back every JSON object to the letter', async () => {
      const { bank } = await fresh({ native: true })
      const payloads = [
        '{}',
        '{"1":null,"b":1,"a":2}',
        '{"$gt":1,"a.b":{"$set":[]},"":"","__proto__":{"x":1},"constructor":0}',
        '{"n":[0,-1,1.5,2147483648,-2147483649,9007199254740991,1e+21,5e-324]}',
        '{"cookie":{"expires":"2030-01-01T00:00:00.000Z","originalMaxAge":null},"at":"2030-01-01T00:00:00.000Z"}',
        '{"cookie":{"expires":"2030-01-01"}}',
        '{"cookie":{"expires":"Tue, 01 Jan 2030 00:00:00 GMT"}}',
        '{"cookie":null,"text":"\\u0000 ü 中 😀 \u2028","deep":[[[[{"a":[{}]}]]]]}',
      ]
      for (const [index, payload] of payloads.entries()) {
        const entry = { payload, expires: alive() }
        await bank.save(`sid-${index}`, entry)
        assert.deepEqual(await bank.read(`sid-${index}`), entry)
        assert.equal(await bank.swap(`sid-${index}`, '{"other":1}', entry), false)
        assert.equal(await bank.swap(`sid-${index}`, payload, { ...entry, payload: '{"next":1}' }), true, payload)
      }
    })

    it('refuses what would come back as something else', async () => {
      const { bank, collection } = await fresh({ native: true })
      const hurt = ['{"a":"\\ud800"}', '{"\\u0000":1}', '{"a":{"_bsontype":"ObjectId"}}', '{"a":{"$ref":"x","$id":1}}']
      for (const payload of ['text', '[]', 'null', '{"a": 1}', '{"a":1,"a":2}', '{"n":1.0}', ...hurt]) {
        await assert.rejects(bank.save('sid', { payload, expires: null }), { code: 'DATABANK_INVALID_SESSION' }, payload)
      }
      assert.equal(await collection.countDocuments(), 0)
    })

    it('reads and swaps text that was there before', async () => {
      const { bank, collection } = await fresh({ native: true })
      await collection.insertOne({ _id: 'sid', session: '{"a": 1}', expires: new Date(alive()) })
      assert.equal((await bank.read('sid'))?.payload, '{"a": 1}')
      assert.equal(await bank.swap('sid', '{"a":1}', { payload: '{"a":2}', expires: null }), false)
      assert.equal(await bank.swap('sid', '{"a": 1}', { payload: '{"a":2}', expires: null }), true)
      assert.deepEqual(await collection.findOne({ _id: 'sid' }), { _id: 'sid', session: { a: 2 } })
    })
  })
})
