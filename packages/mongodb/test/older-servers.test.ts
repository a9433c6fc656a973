import assert from 'node:assert/strict'
import { MongoClient } from 'mongodb'
import { describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import type { MongoClientLike } from '../src/index.ts'
import { type Replacement, relayTo } from './relay.ts'
import { HOUR, onMongodb } from './support.ts'

const { missing, program } = server('mongodb')
const entry = (payload: string) => ({ payload, expires: Date.now() + HOUR })

describe.skipIf(missing ?? program === undefined)('a server or driver that lacks something', () => {
  const mongodb = onMongodb()

  /** The names of the commands that this client sends. */
  function watched(client: MongoClient): string[] {
    const names: string[] = []
    client.on('commandStarted', ({ commandName }) => names.push(commandName))
    return names
  }

  /** Saves and swaps that come in together must have the right results, however they are sent. */
  async function assertResults(client: MongoClientLike) {
    const collectionName = await mongodb.freshCollection()
    const bank = mongodb.bank({ client, collectionName })
    const now = Date.now()
    await Promise.all([bank.save('same', entry('a')), bank.save('other', entry('b'))])
    const swaps = ['same', 'other', 'missing'].map((id) => bank.swap(id, 'a', entry('c'), now))
    assert.deepEqual(await Promise.all([...swaps, bank.swap('other', null, entry('d'), now)]), ['c', null, null, null])
    const stored = await mongodb.collection(collectionName).find().sort({ _id: 1 }).toArray()
    assert.deepEqual(
      stored.map(({ _id, session }) => [_id, session]),
      [
        ['other', 'b'],
        ['same', 'c'],
      ],
    )
    return bank
  }

  it('has no bulkWrite: writes that come in together are sent singly, and bulkWrite is not tried again', async () => {
    const relay = await relayTo(mongodb.server.port, { toServer: ['bulkWrite\0', 'notThere1\0'] })
    const client = mongodb.keep(new MongoClient(relay.url, { monitorCommands: true }))
    const names = watched(client)
    const bank = await assertResults(client)
    await Promise.all(['x', 'y'].map((id) => bank.save(id, entry('a'))))
    assert.equal(names.filter((name) => name === 'bulkWrite').length, 1)
    await client.close()
    relay.close()
  })

  it('has a driver without bulkWrite: writes that come in together are sent singly', async () => {
    const client = mongodb.keep(new MongoClient(mongodb.url, { monitorCommands: true }))
    const names = watched(client)
    const old: MongoClientLike = { db: (name) => client.db(name), connect: () => client.connect(), close: () => client.close() }
    await assertResults(old)
    assert.ok(names.includes('update'))
    assert.ok(!names.includes('bulkWrite'))
  })

  it('has no command hello: the clocks are not compared', async () => {
    const client = mongodb.keep(new MongoClient(mongodb.url))
    const database = (name?: string) => {
      const command = () => Promise.reject(Object.assign(new Error("no such command: 'hello'"), { code: 59 }))
      return { collection: (of: string, options?: object) => client.db(name).collection(of, options), command }
    }
    const old: MongoClientLike = { db: database, connect: () => client.connect(), close: () => client.close() }
    const bank = mongodb.bank({ client: old, collectionName: await mongodb.freshCollection() })
    await bank.save('sid', entry('a'))
    assert.equal((await bank.read('sid'))?.payload, 'a')
  })

  it('has no sessions: commands are sent without', async () => {
    const sessions: Replacement = ['logicalSessionTimeoutMinutes', 'anotherNameOfTheSameLength__']
    const relay = await relayTo(mongodb.server.port, { toClient: sessions })
    const client = mongodb.keep(new MongoClient(relay.url, { monitorCommands: true }))
    const ids: unknown[] = []
    client.on('commandStarted', ({ command }) => ids.push(command['lsid']))
    const bank = mongodb.bank({ client, collectionName: await mongodb.freshCollection() })
    const now = Date.now()
    await bank.save('sid', entry('a'))
    await bank.touch('sid', now + HOUR, now)
    assert.equal(await bank.swap('sid', 'a', entry('b'), now), 'b')
    assert.equal((await bank.read('sid'))?.payload, 'b')
    assert.equal(await bank.delete('sid'), true)
    assert.ok(ids.length > 5)
    assert.deepEqual(new Set(ids), new Set([undefined]))
    await client.close()
    relay.close()
  })
})
