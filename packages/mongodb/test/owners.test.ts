import assert from 'node:assert/strict'
import ConnectMongo from 'connect-mongo'
import { describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import type { MongoBank, MongoBankOptions } from '../src/index.ts'
import { ask, contextWith, HOUR, onMongodb, sessionData } from './support.ts'

const { missing, program } = server('mongodb')
const entry = (owner: string | null, payload = 'a') => ({ payload, expires: Date.now() + HOUR, owner })

async function idsOf(bank: MongoBank, owner: string): Promise<string[]> {
  const ids: string[] = []
  for await (const id of bank.idsOf(owner)) ids.push(id)
  return ids.sort()
}

describe.skipIf(missing ?? program === undefined)('the owner of a session', () => {
  const mongodb = onMongodb()

  async function fresh(options: MongoBankOptions = {}) {
    const collectionName = await mongodb.freshCollection()
    const context = contextWith()
    const bank = mongodb.bank({ collectionName, ...options }, context)
    return { bank, collection: mongodb.collection(collectionName), collectionName, warnings: context.warnings }
  }

  it('is a field of the document, which is missing where a session has no owner', async () => {
    const { bank, collection } = await fresh()
    await bank.save('ada', entry('ada'))
    await bank.save('nobody', entry(null))
    assert.equal((await collection.findOne({ _id: 'ada' })).owner, 'ada')
    assert.equal('owner' in (await collection.findOne({ _id: 'nobody' })), false)
    await bank.save('ada', entry(null))
    assert.equal('owner' in (await collection.findOne({ _id: 'ada' })), false)
  })

  it('has an index as soon as one is stored, and not before', async () => {
    const { bank, collection } = await fresh()
    const indexes = async () => (await collection.indexes()).map(({ name, sparse }) => [name, sparse === true])
    await bank.save('nobody', entry(null))
    assert.deepEqual(await indexes(), [
      ['_id_', false],
      ['expires_1', false],
    ])
    await bank.save('ada', entry('ada'))
    while ((await indexes()).length < 3) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(await indexes(), [
      ['_id_', false],
      ['expires_1', false],
      ['owner_1', true],
    ])
    assert.deepEqual(await idsOf(bank, 'ada'), ['ada'])
  })

  it('is found by another index of the field as well', async () => {
    const { bank, collection, warnings } = await fresh()
    await collection.createIndex({ owner: 1 })
    await bank.save('ada', entry('ada'))
    assert.deepEqual(await idsOf(bank, 'ada'), ['ada'])
    assert.deepEqual(warnings, [])
  })

  it('stays through touches of both layouts, and through a rewrite by connect-mongo', async () => {
    const { bank, collectionName } = await fresh()
    const connectMongo = mongodb.keep(ConnectMongo.create({ mongoUrl: mongodb.url, collectionName }))
    await bank.save('sid', { ...entry('ada'), payload: JSON.stringify(sessionData()) })
    await bank.touch('sid', Date.now() + 2 * HOUR, Date.now())
    const session = await ask(connectMongo, 'get', 'sid')
    await ask(connectMongo, 'touch', 'sid', session)
    await ask(connectMongo, 'set', 'sid', { ...session, changed: true })
    assert.match(String((await bank.read('sid'))?.payload), /changed/)
    assert.equal((await bank.read('sid'))?.owner, 'ada')
    assert.deepEqual(await idsOf(bank, 'ada'), ['sid'])
  })

  it('is stored with a document of connect-databank 1.x when that is written', async () => {
    const { bank, collection } = await fresh({ readDatabank: true })
    const cookie = { expires: new Date(Date.now() + HOUR).toISOString() }
    await collection.insertOne({ _id: 'sid', cookie, user: '$ada' })
    const stored = await bank.read('sid')
    assert.equal(await bank.swap('sid', String(stored?.payload), entry('$ada', '{"next":1}'), Date.now()), '{"next":1}')
    const expected = { _id: 'sid', session: '{"next":1}', owner: '$ada' }
    const { expires: _, ...document } = await collection.findOne({ _id: 'sid' })
    assert.deepEqual(document, expected)
    assert.deepEqual(await idsOf(bank, '$ada'), ['sid'])
  })
})
