import assert from 'node:assert/strict'
import { type ClientSession, MongoClient, type MongoClientOptions } from 'mongodb'
import { describe, it } from 'vitest'
import { startProxy } from '../../../testing/proxy.js'
import { server } from '../../../testing/servers/index.js'
import { HOUR, onMongodb } from './support.ts'

const { missing, program } = server('mongodb')
const entry = (payload: string) => ({ payload, expires: Date.now() + HOUR })

describe.skipIf(missing ?? program === undefined)('the session that is lent to commands', () => {
  const mongodb = onMongodb()

  /** A client that writes down which session each command has, and which were started by name. */
  function watched(url: string, options: MongoClientOptions = {}) {
    const client = mongodb.keep(new MongoClient(url, { ...options, monitorCommands: true }))
    const ids: string[] = []
    client.on('commandStarted', ({ command }) => ids.push(command['lsid']?.id.toString('hex')))
    const started: ClientSession[] = []
    const start = client.startSession.bind(client)
    client.startSession = (wishes) => {
      const session = start(wishes)
      if (session.explicit) started.push(session)
      return session
    }
    return { client, ids, started }
  }

  it('is one for commands that follow each other, and never serves two at a time', async () => {
    const proxy = await startProxy(mongodb.server.port)
    const { client, ids, started } = watched(`mongodb://127.0.0.1:${proxy.port}/tests?directConnection=true`)
    const bank = mongodb.bank({ client, collectionName: await mongodb.freshCollection() })
    await bank.open()
    ids.length = 0
    await bank.save('sid', entry('a'))
    await bank.touch('sid', Date.now() + HOUR)
    await bank.read('sid')
    await bank.delete('sid')
    assert.equal(ids.length, 4)
    assert.equal(new Set(ids).size, 1)
    assert.ok(ids[0] !== undefined)

    const held = proxy.holdAt('mark-slow')
    const slow = bank.read('mark-slow')
    const letGo = await held
    await bank.read('meanwhile')
    letGo()
    await slow
    await bank.read('after')
    const [first, ...others] = ids.slice(4)
    assert.equal(first, ids[0])
    assert.deepEqual(
      others.map((id) => id === first),
      [false, true],
    )
    assert.equal(started.length, 1)
    await client.close()
    await proxy.close()
  })

  it('is given back when the bank is closed, though the client is not', async () => {
    const { client, started } = watched(mongodb.url)
    const bank = mongodb.bank({ client, collectionName: await mongodb.freshCollection() })
    await bank.read('sid')
    await bank.close()
    assert.deepEqual(
      started.map(({ hasEnded }) => hasEnded),
      [true],
    )
  })

  it('is another one after a failure, and after the client was closed and opened again', async () => {
    const proxy = await startProxy(mongodb.server.port)
    const url = `mongodb://127.0.0.1:${proxy.port}/tests?directConnection=true`
    const { client, started } = watched(url, { retryWrites: false })
    const bank = mongodb.bank({ client, collectionName: await mongodb.freshCollection() })
    await bank.save('sid', entry('a'))
    const cut = proxy.cutBefore('mark-lost')
    const failing = assert.rejects(bank.save('sid', entry('mark-lost')), { code: 'DATABANK_UNAVAILABLE' })
    await cut
    await failing
    assert.equal((await bank.read('sid'))?.payload, 'a')
    assert.deepEqual(
      started.map(({ hasEnded }) => hasEnded),
      [true, false],
    )
    await client.close()
    await client.connect()
    assert.equal((await bank.read('sid'))?.payload, 'a')
    assert.equal(started.length, 3)
    await proxy.close()
  })
})
