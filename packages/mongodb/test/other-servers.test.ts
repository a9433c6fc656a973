import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { MongoClient } from 'mongodb'
import { describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import type { MongoClientLike } from '../src/index.ts'
import { HOUR, onMongodb } from './support.ts'

const { missing, program } = server('mongodb')
const entry = (payload: string) => ({ payload, expires: Date.now() + HOUR })

/** A relay to the server that hides from clients that it knows sessions. */
async function withoutSessions(port: number) {
  const relay = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    client.pipe(upstream)
    upstream.on('data', (chunk) => {
      const text = chunk.toString('latin1').replaceAll('logicalSessionTimeoutMinutes', 'anotherNameOfTheSameLength__')
      client.write(text, 'latin1')
    })
    upstream.on('close', () => client.destroy())
    for (const socket of [client, upstream]) socket.on('error', () => undefined)
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  return { port: (relay.address() as AddressInfo).port, close: () => relay.close() }
}

/** The client's server as one that makes a document of the `_id` that was asked for, whatever `$setOnInsert` says of it. */
function lenient(client: MongoClient) {
  const sent = { alone: 0, together: 0 }
  const faults: Error[] = []
  const obeyed = ({ $setOnInsert, ...change }: Record<string, unknown>) => change
  const like: MongoClientLike = {
    connect: () => client.connect(),
    close: () => client.close(),
    db: (name) => ({
      collection(collectionName, options) {
        // biome-ignore lint/suspicious/noExplicitAny: the driver's types ask for documents of one shape
        const collection = client.db(name).collection<any>(collectionName, options)
        const { updateOne, bulkWrite } = collection
        return Object.assign(collection, {
          updateOne(...[filter, change, wishes]: Parameters<typeof updateOne>) {
            sent.alone++
            const fault = faults.shift()
            if (fault !== undefined) return Promise.reject(fault)
            return updateOne.call(collection, filter, obeyed(change as Record<string, unknown>), wishes)
          },
          bulkWrite(...[operations, wishes]: Parameters<typeof bulkWrite>) {
            sent.together++
            // biome-ignore lint/suspicious/noExplicitAny: one of a dozen forms
            const updates = operations.map(({ updateOne: one }: any) => ({ updateOne: { ...one, update: obeyed(one.update) } }))
            return bulkWrite.call(collection, updates, wishes)
          },
        })
      },
    }),
  }
  return { like, sent, faults }
}

describe.skipIf(missing ?? program === undefined)('a server that is like MongoDB', () => {
  const mongodb = onMongodb()

  it('but makes a document of another _id than was asked for: swaps go out alone, and learn what became of them', async () => {
    const { like, sent } = lenient(mongodb.client)
    const collectionName = await mongodb.freshCollection()
    const bank = mongodb.bank({ client: like, collectionName })
    await Promise.all([bank.save('same', entry('a')), bank.save('other', entry('b'))])
    assert.deepEqual(sent, { alone: 0, together: 1 })
    const swaps = ['same', 'other', 'missing'].map((id) => bank.swap(id, 'a', entry('c')))
    assert.deepEqual(await Promise.all(swaps), [true, false, false])
    // The question what the server does is one of the four.
    assert.deepEqual(sent, { alone: 4, together: 1 })
    await Promise.all(['same', 'other'].map((id) => bank.swap(id, 'c', entry('d'))))
    assert.deepEqual(sent, { alone: 6, together: 1 })
    const stored = await mongodb.collection(collectionName).find().sort({ _id: 1 }).toArray()
    assert.deepEqual(
      stored.map(({ _id, session }) => [_id, session]),
      [
        ['other', 'b'],
        ['same', 'd'],
      ],
    )
  })

  it('but makes a document of another _id: a swap that comes in with a save makes none', async () => {
    const { like } = lenient(mongodb.client)
    const collectionName = await mongodb.freshCollection()
    const bank = mongodb.bank({ client: like, collectionName })
    assert.deepEqual(await Promise.all([bank.save('saved', entry('a')), bank.swap('missing', 'a', entry('b'))]), [
      undefined,
      false,
    ])
    assert.equal(await mongodb.collection(collectionName).countDocuments({ _id: 'missing' } as never), 0)
  })

  it('but makes a document of another _id, and fails when it is asked: swaps go out alone, and it is asked again', async () => {
    const { like, sent, faults } = lenient(mongodb.client)
    const collectionName = await mongodb.freshCollection()
    const bank = mongodb.bank({ client: like, collectionName })
    await bank.save('same', entry('a'))
    for (const alone of [4, 7, 9]) {
      if (alone === 4) faults.push(new Error('too busy to tell'))
      const swaps = ['same', 'missing'].map((id) => bank.swap(id, 'a', entry('a')))
      assert.deepEqual(await Promise.all(swaps), [true, false])
      assert.deepEqual(sent, { alone, together: 0 })
    }
    assert.equal(await mongodb.collection(collectionName).countDocuments({ _id: 'missing' } as never), 0)
  })

  it('but knows no sessions: commands go out without', async () => {
    const relay = await withoutSessions(mongodb.server.port)
    const url = `mongodb://127.0.0.1:${relay.port}/tests?directConnection=true`
    const client = mongodb.keep(new MongoClient(url, { monitorCommands: true }))
    const sessions: unknown[] = []
    client.on('commandStarted', ({ command }) => sessions.push(command['lsid']))
    const bank = mongodb.bank({ client, collectionName: await mongodb.freshCollection() })
    await bank.save('sid', entry('a'))
    await bank.touch('sid', Date.now() + HOUR)
    assert.equal(await bank.swap('sid', 'a', entry('b')), true)
    assert.equal((await bank.read('sid'))?.payload, 'b')
    assert.equal(await bank.delete('sid'), true)
    assert.ok(sessions.length > 5)
    assert.deepEqual(new Set(sessions), new Set([undefined]))
    await client.close()
    relay.close()
  })
})
