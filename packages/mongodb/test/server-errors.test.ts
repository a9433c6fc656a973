import assert from 'node:assert/strict'
import { MongoClient } from 'mongodb'
import { describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import type { MongoBank, MongoBankOptions } from '../src/index.ts'
import { failureOf } from './failure-of.ts'
import { ask, contextWith, HOUR, onMongodb, sessionData } from './support.ts'

const { missing, program } = server('mongodb')
const timeout = 2_000
const failure = (work: Promise<unknown>) => failureOf(work, timeout)
const inAnHour = () => Date.now() + HOUR
const entry = (payload: string) => ({ payload, expires: inAnHour() })

const READS = ['find', 'aggregate']
const WRITES = ['update', 'delete', 'bulkWrite']

describe.skipIf(missing ?? program === undefined)('a command that fails', () => {
  const mongodb = onMongodb({ testCommands: true })
  const admin = () => mongodb.client.db('admin')
  const appName = 'under test'
  const now = Date.now()

  async function failing<T>(
    mode: unknown,
    data: object,
    work: (bank: MongoBank) => Promise<T>,
    options: MongoBankOptions = {},
  ): Promise<T> {
    const named = options.client === undefined ? { mongoOptions: { appName } } : {}
    const collectionName = await mongodb.freshCollection()
    const bank = mongodb.bank({ collectionName, ...named, ...options }, contextWith({ timeout }))
    await bank.save('sid', entry('a'))
    await admin().command({ configureFailPoint: 'failCommand', mode, data: { ...data, appName } })
    try {
      return await work(bank)
    } finally {
      await admin().command({ configureFailPoint: 'failCommand', mode: 'off' })
      await bank.close()
    }
  }

  /** A client whose commands of some names are counted. */
  function counting(...names: string[]) {
    const client = mongodb.keep(new MongoClient(mongodb.url, { appName, monitorCommands: true }))
    const counted = { client, sent: 0 }
    client.on('commandStarted', ({ commandName }) => {
      if (names.includes(commandName)) counted.sent++
    })
    return counted
  }

  it('with an error of the server rejects with its code, whatever the operation is', async () => {
    await failing('alwaysOn', { errorCode: 13, failCommands: [...READS, ...WRITES] }, async (bank) => {
      const touches = [['sid', inAnHour()] as const, ['other', null] as const]
      const all = [
        ...[bank.read('sid'), bank.readMany(['sid', 'other']), bank.scan().next(), bank.idsOf('ada').next(), bank.count(now)],
        ...[bank.save('sid', entry('b')), bank.swap('sid', 'a', entry('b'), now), bank.swap('sid', null, entry('b'), now)],
        ...[bank.touch('sid', inAnHour(), now), bank.touchMany(touches, now), bank.delete('sid'), bank.purge(now), bank.clear()],
      ]
      assert.deepEqual(new Set(await Promise.all(all.map(failure))), new Set(['DATABANK_DENIED']))
    })
  })

  for (const [errorCode, code] of [
    [18, 'DATABANK_DENIED'],
    [50, 'DATABANK_TIMEOUT'],
    [262, 'DATABANK_TIMEOUT'],
    [14031, 'DATABANK_FULL'],
    [10107, 'DATABANK_UNAVAILABLE'],
    [91, 'DATABANK_UNAVAILABLE'],
    [8, 'DATABANK_BACKEND_FAILED'],
  ] as const) {
    it(`with the server's error ${errorCode} rejects with ${code}`, async () => {
      await failing('alwaysOn', { errorCode, failCommands: [...READS, ...WRITES] }, async (bank) => {
        assert.equal(await failure(bank.read('sid')), code)
        assert.equal(await failure(bank.swap('sid', 'a', entry('b'), now)), code)
        const together = ['sid', 'other'].map((id) => failure(bank.save(id, entry('b'))))
        assert.deepEqual(await Promise.all(together), [code, code])
      })
    })
  }

  it('once, as at a primary that steps down, is sent again', async () => {
    for (const data of [{ errorCode: 10107 }, { closeConnection: true }]) {
      await failing({ times: 1 }, { ...data, failCommands: WRITES }, async (bank) => {
        assert.equal(await bank.swap('sid', 'a', entry('b'), now), 'b')
      })
      await failing({ times: 1 }, { ...data, failCommands: WRITES }, async (bank) => {
        const swaps = [bank.swap('sid', 'a', entry('b'), now), bank.swap('new', null, entry('c'), now)]
        assert.deepEqual(await Promise.all(swaps), ['b', 'c'])
      })
      await failing({ times: 1 }, { ...data, failCommands: READS }, async (bank) => {
        assert.equal((await bank.read('sid'))?.payload, 'a')
      })
    }
  })

  it('with a closed connection each time', async () => {
    await failing('alwaysOn', { closeConnection: true, failCommands: [...READS, ...WRITES] }, async (bank) => {
      assert.equal(await failure(bank.read('sid')), 'DATABANK_UNAVAILABLE')
      assert.equal(await failure(bank.swap('sid', 'a', entry('b'), now)), 'DATABANK_UNAVAILABLE')
      const swaps = [bank.swap('sid', 'a', entry('b'), now), bank.swap('new', null, entry('b'), now)]
      const touches = ['sid', 'new'].map((id) => [id, inAnHour()] as const)
      const together = [...swaps, bank.save('other', entry('b')), bank.touchMany(touches, now)]
      assert.deepEqual(new Set(await Promise.all(together.map(failure))), new Set(['DATABANK_UNAVAILABLE']))
    })
  })

  it('for many that were sent together, because the database is ill, is not sent again for each', async () => {
    for (const errorCode of [8, 91, 13]) {
      const counted = counting('update', 'bulkWrite')
      await failing(
        'alwaysOn',
        { errorCode, failCommands: WRITES },
        async (bank) => {
          counted.sent = 0
          const saves = Array.from({ length: 100 }, (_, index) => bank.save(`sid-${index}`, entry('a')))
          const results = await Promise.allSettled(saves)
          assert.ok(results.every(({ status }) => status === 'rejected'))
          // The driver tries once more where the server says that this may help.
          assert.ok(counted.sent <= 2, `${counted.sent} commands for one that failed`)
        },
        { client: counted.client },
      )
    }
  })

  it('because of one of those that were sent together fails that one alone', async () => {
    // The server says this of a command with a document that is too large, whichever it is.
    await failing({ times: 1 }, { errorCode: 17419, failCommands: ['bulkWrite'] }, async (bank) => {
      const saves = ['a', 'b', 'c'].map((id) => bank.save(id, entry('a')))
      const results = await Promise.all([...saves, bank.swap('new', null, entry('a'), now)])
      assert.deepEqual(results, [undefined, undefined, undefined, 'a'])
    })
  })

  it('because of one that is too large fails that one alone', async () => {
    await failing(
      'off',
      {},
      async (bank) => {
        // As text they have less than 16 MiB, as BSON 16.5 and 24: the driver refuses each in its own way.
        for (const length of [1_420_000, 1_900_000]) {
          const payloads = ['{"a":1}', JSON.stringify({ cookie: {}, list: new Array(length).fill(1) }), '{"b":1}']
          const saves = payloads.map((payload, index) => bank.save(`sid-${index}`, entry(payload)))
          const codes = (await Promise.allSettled(saves)).map((result) => result.status === 'rejected' && result.reason.code)
          assert.deepEqual(codes, [false, 'DATABANK_INVALID_SESSION', false])
        }
      },
      { native: true },
    )
  })

  it('to answer soon does not delay what comes after it', async () => {
    const counted = counting('update')
    const slow = { blockConnection: true, blockTimeMS: 10_000, failCommands: ['update'] }
    await failing(
      { times: 4 },
      slow,
      async (bank) => {
        counted.sent = 0
        const saves = []
        for (const id of ['1', '2', '3', '4', 'later']) {
          saves.push(bank.save(id, entry('a')))
          // Each is sent by itself, though none before it is answered.
          while (counted.sent < saves.length) await new Promise((resolve) => setImmediate(resolve))
        }
        // Each has a connection of its own, so any may be the one that the server answers at once.
        await Promise.any(saves)
        assert.equal(counted.sent, saves.length)
        await counted.client.close(true)
        await Promise.allSettled(saves)
      },
      { client: counted.client },
    )
  })

  it('to answer in time', async () => {
    const collectionName = await mongodb.freshCollection()
    const store = mongodb.store({ collectionName, timeout: 500, mongoOptions: { appName } })
    await ask(store, 'set', 'sid', sessionData({ n: 1 }))
    const data = { blockConnection: true, blockTimeMS: 1_500, failCommands: READS, appName }
    await admin().command({ configureFailPoint: 'failCommand', mode: 'alwaysOn', data })
    const code = await failure(ask(store, 'get', 'sid'))
    await admin().command({ configureFailPoint: 'failCommand', mode: 'off' })
    assert.equal(code, 'DATABANK_TIMEOUT')
    assert.equal((await ask(store, 'get', 'sid')).n, 1)
  })

  it('on too few members to count as done', async () => {
    const writeConcernError = { code: 64, errmsg: 'waiting for replication timed out' }
    await failing({ times: 1 }, { writeConcernError, failCommands: ['update'] }, async (bank) => {
      assert.equal(await failure(bank.swap('sid', 'a', entry('b'), now)), 'DATABANK_TIMEOUT')
    })
    await failing({ times: 1 }, { writeConcernError, failCommands: ['bulkWrite'] }, async (bank) => {
      const swaps = ['sid', 'new', 'newer'].map((id) => bank.swap(id, null, entry('b'), now))
      const results = await Promise.all(swaps.map((swap) => swap.catch((error) => error.code)))
      // Nobody can say whether these writes last, so the one that met a conflict does not matter.
      assert.deepEqual(new Set(results), new Set(['DATABANK_TIMEOUT']))
      assert.equal((await bank.read('newer'))?.payload, 'b')
    })
  })
})
