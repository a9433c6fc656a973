import assert from 'node:assert/strict'
import { Long, MongoClient, type MongoClientOptions } from 'mongodb'
import { MongoClient as MongoClient6 } from 'mongodb-6'
import { describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { MongoBank, type MongoClientLike, MongoStore } from '../src/index.ts'
import { ask, HOUR, load, onMongodb, sessionData } from './support.ts'

const { missing, program } = server('mongodb')

/** Options of a client that change what the driver makes of BSON, or what it sends. */
const settings: readonly MongoClientOptions[] = [
  { promoteValues: false },
  { promoteLongs: false },
  { useBigInt64: true },
  { promoteBuffers: true },
  { bsonRegExp: true },
  { raw: true },
  { serializeFunctions: true },
  { ignoreUndefined: true },
  { enableUtf8Validation: false },
  { readPreference: 'secondaryPreferred' },
  { retryWrites: false },
  { retryReads: false },
  { compressors: 'zlib' },
  { serverApi: { version: '1', strict: true, deprecationErrors: true } },
]

/** Version 7 ignores it. */
const settings6: readonly object[] = [...settings, { timeoutMS: 20_000 }]

const payload = (n: number): string =>
  JSON.stringify({ cookie: { expires: new Date(Date.now() + HOUR).toISOString() }, n, list: [1, 1.5, null, 2 ** 40], text: 'ü' })

describe.skipIf(missing ?? program === undefined)('a client that was handed in', () => {
  const mongodb = onMongodb()

  for (const [name, Client, clientSettings] of [
    ['7', MongoClient, settings],
    ['6', MongoClient6, settings6],
  ] as const) {
    it.each(clientSettings)(`of the driver ${name} works, whatever its options are: %j`, async (options) => {
      const client = mongodb.keep(new Client(mongodb.url, options as never)) as MongoClientLike
      for (const native of [false, true]) await assertWorks(client, native)
    })
  }

  async function assertWorks(client: MongoClientLike, native: boolean): Promise<void> {
    const collectionName = await mongodb.freshCollection()
    const bank = mongodb.bank({ client, native, collectionName })
    const now = Date.now()
    const expires = now + HOUR
    const [one, two, three] = [1, 2, 3].map(payload) as [string, string, string]
    await Promise.all(['a', 'b', 'c'].map((id) => bank.save(id, { payload: one, expires, owner: 'ada' })))
    assert.deepEqual(await bank.read('a'), { payload: one, expires, owner: 'ada' })
    const swaps = [
      bank.swap('a', one, { payload: two, expires: 8.64e15 }, now),
      bank.swap('b', two, { payload: three, expires }, now),
    ]
    assert.deepEqual(await Promise.all(swaps), [two, null])
    assert.equal(await bank.swap('a', two, { payload: three, expires: null }, now), three)
    await bank.touchMany(
      [
        ['a', expires + 1],
        ['b', expires + 2],
      ],
      now,
    )
    const found = await bank.readMany(['a', 'b', 'missing'])
    assert.deepEqual(
      found.map((stored) => stored?.expires),
      [expires + 1, expires + 2, undefined],
    )
    const scanned: string[] = []
    for await (const [id] of bank.scan()) scanned.push(id)
    assert.deepEqual(scanned.sort(), ['a', 'b', 'c'])
    const owned: string[] = []
    for await (const id of bank.idsOf('ada')) owned.push(id)
    assert.deepEqual(owned.sort(), ['b', 'c'])
    assert.equal(await bank.count(now), 3)
    assert.equal(await bank.delete('a'), true)
    assert.equal(await bank.delete('a'), false)
    await bank.save('expired', { payload: one, expires: 1 })
    assert.equal(await bank.purge(now), 1)
    const fields = { session: { cookie: {}, count: Long.fromNumber(5), tag: Buffer.from('tag') }, expires: new Date(expires) }
    await mongodb.collection(collectionName).insertOne({ _id: 'by another program', ...fields })
    assert.equal(JSON.parse(String((await bank.read('by another program'))?.payload)).count, 5)
    await bank.clear()
    assert.equal(await bank.count(now), 0)
  }

  it('serves a store as well as a client of its own', async () => {
    const client = mongodb.keep(new MongoClient(mongodb.url, { promoteValues: false, useBigInt64: false }))
    const store = mongodb.store({ client, collectionName: await mongodb.freshCollection() })
    await ask(store, 'set', 'sid', sessionData({ n: 0 }))
    const [first, second] = [await load(store, 'sid'), await load(store, 'sid')]
    first.first = 1
    second.second = 2
    await Promise.all([ask(store, 'set', 'sid', first), ask(store, 'set', 'sid', second)])
    const { n, first: one, second: two } = await ask(store, 'get', 'sid')
    assert.deepEqual([n, one, two], [0, 1, 2])
    assert.equal((await ask(store, 'all')).length, 1)
    assert.equal(await ask(store, 'length'), 1)
  })

  it('stays open', async () => {
    for (const client of [new MongoClient(mongodb.url), new MongoClient6(mongodb.url)].map(mongodb.keep)) {
      const bank = mongodb.bank({ client, collectionName: await mongodb.freshCollection() })
      await bank.save('sid', { payload: 'a', expires: null })
      await bank.close()
      await assert.rejects(bank.read('sid'), { code: 'DATABANK_CLOSED' })
      assert.ok((await client.db('tests').collection('any').countDocuments({})) >= 0)
    }
  })
})

describe('a client that cannot work', () => {
  const refusal = (message: RegExp) => ({ name: 'TypeError', code: 'DATABANK_INVALID_OPTION', message })

  it('is not there yet: client: undefined does not mean a server on this machine', () => {
    for (const Class of [MongoBank, MongoStore]) {
      assert.throws(() => new Class({ client: undefined as never }), refusal(/client must be a MongoClient/))
      assert.throws(() => new Class({ client: null as never }), refusal(/client must be a MongoClient/))
    }
  })

  it('gets no answers to its writes', () => {
    const client = new MongoClient('mongodb://127.0.0.1', { writeConcern: { w: 0 } })
    assert.throws(() => new MongoStore({ client }), refusal(/writeConcern w: 0/))
    assert.throws(() => new MongoStore({ writeConcern: { w: 0 } }), refusal(/writeConcern w: 0/))
    assert.doesNotThrow(() => new MongoStore({ client, writeConcern: { w: 1 } }))
  })
})
