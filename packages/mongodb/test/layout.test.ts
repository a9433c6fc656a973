import assert from 'node:assert/strict'
import { ObjectId } from 'mongodb'
import { describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import type { MongoBankOptions } from '../src/index.ts'
import { HOUR, onMongodb } from './support.ts'

const { missing, program } = server('mongodb')
const inAnHour = () => Date.now() + HOUR

describe.skipIf(missing ?? program === undefined)('what is stored in the collection', () => {
  const mongodb = onMongodb()

  async function fresh(options: MongoBankOptions = {}) {
    const collectionName = await mongodb.freshCollection()
    return { bank: mongodb.bank({ collectionName, ...options }), collection: mongodb.collection(collectionName), collectionName }
  }

  it('is _id, session as text, and expires as a Date', async () => {
    const { bank, collection } = await fresh()
    const expires = inAnHour()
    await bank.save('sid', { payload: '{"cookie":{}}', expires })
    assert.deepEqual(await collection.find().toArray(), [{ _id: 'sid', session: '{"cookie":{}}', expires: new Date(expires) }])
  })

  it('is an expiry after the year 9999 as a number, which every condition takes for unexpired', async () => {
    const { bank, collection } = await fresh()
    const expires = 8.64e15
    await bank.save('sid', { payload: 'a', expires: inAnHour() })
    await bank.touch('sid', expires, Date.now())
    assert.equal((await collection.findOne({ _id: 'sid' })).expires, expires)
    assert.deepEqual(await bank.read('sid'), { payload: 'a', expires })
    assert.equal(await bank.count(Date.now()), 1)
    assert.equal(await bank.purge(Date.now()), 0)
    assert.equal(await bank.swap('sid', null, { payload: 'b', expires }, Date.now()), null)
    assert.equal(await bank.swap('sid', 'a', { payload: 'b', expires: inAnHour() }, Date.now()), 'b')
  })

  it('leaves the fields and the documents of others as they are', async () => {
    const { bank, collection } = await fresh()
    await collection.insertOne({ _id: new ObjectId(), session: '{}' })
    await collection.insertOne({ _id: 'sid', session: 'a', expires: new Date(inAnHour()), createdAt: 'then' })
    await bank.save('sid', { payload: 'b', expires: inAnHour() })
    await bank.swap('sid', 'b', { payload: 'c', expires: inAnHour() }, Date.now())
    const { session, createdAt } = await collection.findOne({ _id: 'sid' })
    assert.deepEqual([session, createdAt], ['c', 'then'])
    const ids = []
    for await (const [id] of bank.scan()) ids.push(id)
    assert.deepEqual(ids, ['sid'])
  })

  it('may hold 16 MiB; more is refused before anything is written', async () => {
    const { bank } = await fresh()
    const large = { payload: 'é'.repeat(8 * 1024 * 1024 - 20_000), expires: inAnHour() }
    await bank.save('sid', large)
    assert.equal((await bank.read('sid'))?.payload.length, large.payload.length)
    const larger = { ...large, payload: `${large.payload}${'é'.repeat(20_000)}` }
    await assert.rejects(bank.save('sid', larger), { code: 'DATABANK_INVALID_SESSION' })
    await assert.rejects(bank.swap('sid', large.payload, larger, Date.now()), { code: 'DATABANK_INVALID_SESSION' })
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

  describe('as sub-documents', () => {
    it('give back every JSON object exactly', async () => {
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
        const entry = { payload, expires: inAnHour() }
        await bank.save(`sid-${index}`, entry)
        assert.deepEqual(await bank.read(`sid-${index}`), entry)
        assert.equal(await bank.swap(`sid-${index}`, '{"other":1}', entry, Date.now()), null)
        const next = { ...entry, payload: '{"next":1}' }
        assert.equal(await bank.swap(`sid-${index}`, payload, next, Date.now()), next.payload, payload)
      }
    })

    it('keep as text what BSON would not give back exactly', async () => {
      const { bank, collection } = await fresh({ native: true })
      const lost = ['{"a":{"_bsontype":"ObjectId"}}', '{"a":{"$ref":"x","$id":1}}', '{"\\u0000":1}', '{"a":"\\ud800"}']
      const deep = `{"a":${'['.repeat(150)}1${']'.repeat(150)}}`
      for (const payload of ['text', '[]', 'null', '{"a": 1}', '{"a":1,"a":2}', '{"n":1.0}', deep, ...lost]) {
        const [before, entry] = [
          { payload, expires: inAnHour() },
          { payload: '{"next":1}', expires: inAnHour() },
        ]
        await bank.save('sid', before)
        assert.equal((await collection.findOne({ _id: 'sid' })).session, payload)
        assert.deepEqual(await bank.read('sid'), before)
        assert.equal(await bank.swap('sid', payload, entry, Date.now()), entry.payload)
        assert.deepEqual((await collection.findOne({ _id: 'sid' })).session, { next: 1 })
      }
    })

    it('keep what databank-mongodb loses: members named _s, _id and _bsontype', async () => {
      for (const native of [false, true]) {
        const { bank } = await fresh({ native })
        const payload = '{"cookie":{},"cart":{"_s":1,"_id":"x","_bsontype":"y"},"_id":1,"_s":{"_id":2}}'
        await bank.save('sid', { payload, expires: null })
        assert.equal((await bank.read('sid'))?.payload, payload)
      }
    })

    it('read and swap text that was stored before', async () => {
      const { bank, collection } = await fresh({ native: true })
      await collection.insertOne({ _id: 'sid', session: '{"a": 1}', expires: new Date(inAnHour()) })
      assert.equal((await bank.read('sid'))?.payload, '{"a": 1}')
      assert.equal(await bank.swap('sid', '{"a":1}', { payload: '{"a":2}', expires: null }, Date.now()), null)
      assert.equal(await bank.swap('sid', '{"a": 1}', { payload: '{"a":2}', expires: null }, Date.now()), '{"a":2}')
      assert.deepEqual(await collection.findOne({ _id: 'sid' }), { _id: 'sid', session: { a: 2 } })
    })
  })
})
