import assert from 'node:assert/strict'
import { MongoClient } from 'mongodb'
import { afterAll, describe, it } from 'vitest'
import { freePort, until } from '../../../testing/program.js'
import { startProxy } from '../../../testing/proxy.js'
import { server } from '../../../testing/servers/index.js'
import type { MongoBank, MongoBankOptions, MongoStore } from '../src/index.ts'
import { ask, HOUR, onMongodb, sessionData } from './support.ts'

const { missing, program } = server('mongodb')
const timeout = 2_000
const alive = () => Date.now() + HOUR
const entry = (payload: string) => ({ payload, expires: alive() })

/** The code of the error that this ends with, and how long it took. */
async function failureOf(work: Promise<unknown>): Promise<string> {
  const start = Date.now()
  const code = await work.then(
    () => 'none',
    (error) => error.code,
  )
  const took = Date.now() - start
  // What the store adds to its time-out, and a busy machine to that.
  assert.ok(took < timeout * 2, `it took ${took} ms`)
  return code
}

const unreachable = ['DATABANK_UNAVAILABLE', 'DATABANK_TIMEOUT']

async function assertUnreachable(store: MongoStore): Promise<void> {
  const codes = await Promise.all([
    failureOf(ask(store, 'get', 'sid')),
    failureOf(ask(store, 'set', 'sid', sessionData())),
    failureOf(ask(store, 'touch', 'sid', sessionData())),
    failureOf(ask(store, 'destroy', 'other')),
  ])
  for (const code of codes) assert.ok(unreachable.includes(code), String(codes))
}

async function assertRecovers(store: MongoStore): Promise<void> {
  const isUp = () =>
    ask(store, 'get', 'sid').then(
      () => true,
      () => false,
    )
  await until(isUp, 'the store to work again', 15_000)
  await ask(store, 'set', 'recovered', sessionData({ n: 1 }))
  assert.equal((await ask(store, 'get', 'recovered')).n, 1)
}

describe.skipIf(missing ?? program === undefined)('a server that fails', () => {
  const mongodb = onMongodb()

  it('is not there at the start', async () => {
    const port = await freePort()
    const store = mongodb.store({ url: `mongodb://127.0.0.1:${port}/tests`, timeout })
    assert.equal(await failureOf(store.open()), 'DATABANK_UNAVAILABLE')
    assert.equal(await failureOf(ask(store, 'get', 'sid')), 'DATABANK_UNAVAILABLE')
    const proxy = await startProxy(mongodb.server.port)
    await proxy.refuse()
    const later = mongodb.store({ url: `mongodb://127.0.0.1:${proxy.port}/tests?directConnection=true`, timeout })
    await assertUnreachable(later)
    await proxy.listen()
    await assertRecovers(later)
    await later.close()
    await proxy.close()
  })

  it('is killed with -9 under load and started again: what was acknowledged is there', async () => {
    const collectionName = await mongodb.freshCollection()
    const writeConcern = { w: 'majority', j: true }
    const bank = mongodb.bank({ collectionName, timeout, writeConcern })
    const store = mongodb.store({ collectionName, timeout, writeConcern })
    await Promise.all([bank.open(), store.open()])
    const acknowledged: string[] = []
    let isOver = false
    const writer = async (name: number) => {
      for (let n = 0; !isOver; n++) {
        const id = `${name}-${n}`
        const isDone = await (n % 2 === 0 ? bank.save(id, entry(id)).then(() => true) : bank.swap(id, null, entry(id))).catch(
          (error) => {
            assert.ok(unreachable.includes(error.code), String(error))
            return false
          },
        )
        if (isDone) acknowledged.push(id)
      }
    }
    const writers = Array.from({ length: 4 }, (_, name) => writer(name))
    await until(() => acknowledged.length > 50, 'some writes')
    await mongodb.server.program.stop('SIGKILL')
    try {
      await assertUnreachable(store)
    } finally {
      await mongodb.server.program.start()
    }
    await assertRecovers(store)
    isOver = true
    await Promise.all(writers)
    const found = await bank.readMany(acknowledged)
    assert.deepEqual(
      acknowledged.filter((_, index) => found[index] === null),
      [],
    )
  })

  it('freezes, and thaws', async () => {
    const store = mongodb.store({ collectionName: await mongodb.freshCollection(), timeout })
    await ask(store, 'set', 'sid', sessionData())
    mongodb.server.program.freeze()
    try {
      await assertUnreachable(store)
    } finally {
      mongodb.server.program.thaw()
    }
    await assertRecovers(store)
  })

  it('falls silent, connections and all', async () => {
    const proxy = await startProxy(mongodb.server.port)
    const url = `mongodb://127.0.0.1:${proxy.port}/tests?directConnection=true`
    const store = mongodb.store({ url, collectionName: await mongodb.freshCollection(), timeout })
    await ask(store, 'set', 'sid', sessionData())
    proxy.silence()
    await assertUnreachable(store)
    proxy.speak()
    await assertRecovers(store)
    await store.close()
    await proxy.close()
  })

  it('steps down for a while: a write takes place or fails, and is never called a conflict', async () => {
    const collectionName = await mongodb.freshCollection()
    const bank = mongodb.bank({ collectionName, timeout: 10_000, mongoOptions: { heartbeatFrequencyMS: 1_000 } })
    await bank.save('sid', entry('0'))
    await mongodb.client.db('admin').command({ replSetStepDown: 2, secondaryCatchUpPeriodSecs: 1, force: true })
    // A server that says which errors may be tried again has the driver try again; then the first of these is the write.
    const outcomes: (boolean | string)[] = []
    while (outcomes.at(-1) !== true && outcomes.length < 50) {
      outcomes.push(await bank.swap('sid', '0', entry('1')).catch((error) => error.code))
    }
    assert.deepEqual(
      [...new Set(outcomes.slice(0, -1))].filter((outcome) => outcome !== 'DATABANK_UNAVAILABLE'),
      [],
    )
    assert.equal(outcomes.at(-1), true)
    assert.equal((await bank.read('sid'))?.payload, '1')
    assert.equal(await bank.swap('sid', '0', entry('2')), false)
  })

  it('is asked for no more than may wait', async () => {
    const proxy = await startProxy(mongodb.server.port)
    const url = `mongodb://127.0.0.1:${proxy.port}/tests?directConnection=true`
    const bank = mongodb.bank({ url, timeout, maxPending: 10 })
    await bank.open()
    proxy.silence()
    const waiting = Array.from({ length: 10 }, (_, index) => failureOf(bank.read(`sid-${index}`)))
    const start = Date.now()
    await assert.rejects(bank.read('one too many'), { code: 'DATABANK_UNAVAILABLE', message: /wait/ })
    await assert.rejects(bank.touchMany([['one too many', null]]), { code: 'DATABANK_UNAVAILABLE' })
    assert.ok(Date.now() - start < 500)
    proxy.cut()
    proxy.speak()
    await Promise.all(waiting)
    assert.equal(await bank.read('sid'), null)
    await bank.close()
    await proxy.close()
  })

  it('is closed while it does not answer', async () => {
    const proxy = await startProxy(mongodb.server.port)
    const bank = mongodb.bank({ url: `mongodb://127.0.0.1:${proxy.port}/tests?directConnection=true`, timeout: 60_000 })
    await bank.open()
    proxy.silence()
    const reading = bank.read('sid')
    const codes = Promise.all([failureOf(reading), failureOf(bank.close())])
    assert.deepEqual(await codes, ['DATABANK_CLOSED', 'none'])
    await proxy.close()
  })

  describe('loses its answer', () => {
    const cases = [
      { name: 'with retryable writes', parameters: '', expected: true },
      { name: 'without', parameters: '&retryWrites=false', expected: 'DATABANK_UNAVAILABLE' },
    ]
    for (const { name, parameters, expected } of cases) {
      it(`to a swap that took place, ${name}: never a conflict`, async () => {
        const proxy = await startProxy(mongodb.server.port)
        const collectionName = await mongodb.freshCollection()
        // Through the proxy only: the set itself would name the server's own address.
        const url = `mongodb://127.0.0.1:${proxy.port}/tests?directConnection=true${parameters}`
        const bank = mongodb.bank({ url, collectionName, timeout: 5_000 })
        const outcomeOf = (work: Promise<boolean>) => work.catch((error) => error.code)
        for (const [id, before] of [
          ['sid', null],
          ['sid', 'mark-one'],
          ['other', null],
        ] as const) {
          const payload = before === null ? 'mark-one' : 'mark-two'
          await bank.open()
          const cut = proxy.cutAfter(payload === 'mark-two' ? 'mark-two' : `${id}\0`)
          const outcome = outcomeOf(bank.swap(id, before, entry(payload)))
          await cut
          assert.equal(await outcome, expected)
          assert.equal((await mongodb.collection(collectionName).findOne({ _id: id }))?.session, payload)
        }
        await bank.close()
        await proxy.close()
      })

      it(`to swaps that took place together, ${name}: never a conflict`, async () => {
        const proxy = await startProxy(mongodb.server.port)
        const collectionName = await mongodb.freshCollection()
        const url = `mongodb://127.0.0.1:${proxy.port}/tests?directConnection=true${parameters}`
        const bank = mongodb.bank({ url, collectionName, timeout: 5_000 })
        const ids = ['one', 'two', 'three']
        await Promise.all(ids.map((id) => bank.save(id, entry('before'))))
        assert.deepEqual(await Promise.all(ids.map((id) => bank.swap(id, 'before', entry('between')))), [true, true, true])
        const cut = proxy.cutAfter('mark-after')
        const swaps = ids.map((id) => bank.swap(id, 'between', entry('mark-after')).catch((error) => error.code))
        await cut
        assert.deepEqual(await Promise.all(swaps), [expected, expected, expected])
        assert.equal(await mongodb.collection(collectionName).countDocuments({ session: 'mark-after' }), 3)
        await bank.close()
        await proxy.close()
      })
    }
  })
})

describe.skipIf(missing ?? program === undefined)('a command that fails', () => {
  const mongodb = onMongodb({ testCommands: true })
  const admin = () => mongodb.client.db('admin')
  const appName = 'under test'

  async function failing<T>(
    mode: unknown,
    data: object,
    work: (bank: MongoBank) => Promise<T>,
    options: MongoBankOptions = { timeout },
  ): Promise<T> {
    const named = options.client === undefined ? { mongoOptions: { appName } } : {}
    const bank = mongodb.bank({ collectionName: await mongodb.freshCollection(), ...named, ...options })
    await bank.save('sid', entry('a'))
    await admin().command({ configureFailPoint: 'failCommand', mode, data: { ...data, appName } })
    try {
      return await work(bank)
    } finally {
      await admin().command({ configureFailPoint: 'failCommand', mode: 'off' })
      await bank.close()
    }
  }

  const reading = ['find', 'aggregate']
  const writing = ['update', 'delete']

  it('with an error of the server ends with its meaning, each of them', async () => {
    await failing('alwaysOn', { errorCode: 13, failCommands: [...reading, ...writing] }, async (bank) => {
      const moves = [['sid', alive()] as const, ['other', null] as const]
      const all = [
        ...[bank.read('sid'), bank.readMany(['sid', 'other']), bank.scan().next(), bank.count(Date.now())],
        ...[bank.save('sid', entry('b')), bank.swap('sid', 'a', entry('b')), bank.swap('sid', null, entry('b'))],
        ...[bank.touch('sid', alive()), bank.touchMany(moves), bank.delete('sid'), bank.purge(Date.now()), bank.clear()],
      ]
      assert.deepEqual(new Set(await Promise.all(all.map(failureOf))), new Set(['DATABANK_DENIED']))
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
    it(`with the server's error ${errorCode} ends with ${code}`, async () => {
      await failing('alwaysOn', { errorCode, failCommands: [...reading, ...writing] }, async (bank) => {
        assert.equal(await failureOf(bank.read('sid')), code)
        assert.equal(await failureOf(bank.swap('sid', 'a', entry('b'))), code)
      })
    })
  }

  it('once, as a primary fails that steps down, is tried again', async () => {
    for (const data of [{ errorCode: 10107 }, { closeConnection: true }]) {
      await failing({ times: 1 }, { ...data, failCommands: writing }, async (bank) => {
        assert.equal(await bank.swap('sid', 'a', entry('b')), true)
      })
      await failing({ times: 1 }, { ...data, failCommands: reading }, async (bank) => {
        assert.equal((await bank.read('sid'))?.payload, 'a')
      })
    }
  })

  it('with a closed connection each time', async () => {
    await failing('alwaysOn', { closeConnection: true, failCommands: [...reading, ...writing] }, async (bank) => {
      assert.equal(await failureOf(bank.read('sid')), 'DATABANK_UNAVAILABLE')
      assert.equal(await failureOf(bank.swap('sid', 'a', entry('b'))), 'DATABANK_UNAVAILABLE')
      const together = [bank.swap('sid', 'a', entry('b')), bank.swap('new', null, entry('b')), bank.save('other', entry('b'))]
      const codes = await Promise.all([...together, bank.touchMany(['sid', 'new'].map((id) => [id, alive()]))].map(failureOf))
      assert.deepEqual(new Set(codes), new Set(['DATABANK_UNAVAILABLE']))
    })
  })

  it('because of one of those that go out together fails that one alone', async () => {
    // What the server says of a command that is no proper document, whatever in it is to blame.
    await failing({ times: 1 }, { errorCode: 17419, failCommands: ['update'] }, async (bank) => {
      const saves = ['a', 'b', 'c'].map((id) => bank.save(id, entry('a')))
      assert.deepEqual(await Promise.all([...saves, bank.swap('new', null, entry('a'))]), [undefined, undefined, undefined, true])
    })
  })

  it('to answer soon does not hold up what comes after it', async () => {
    const client = mongodb.keep(new MongoClient(mongodb.url, { appName, monitorCommands: true }))
    const slow = { blockConnection: true, blockTimeMS: 10_000, failCommands: ['update'] }
    await failing(
      { times: 4 },
      slow,
      async (bank) => {
        let sent = 0
        client.on('commandStarted', ({ commandName }) => {
          if (commandName === 'update') sent++
        })
        const saves = []
        for (const id of ['1', '2', '3', '4', 'later']) {
          saves.push(bank.save(id, entry('a')))
          // Each goes out by itself, though none before it is answered.
          while (sent < saves.length) await new Promise((resolve) => setImmediate(resolve))
        }
        // Each has a connection of its own, so any may be the one that the server answers at once.
        await Promise.any(saves)
        assert.equal(sent, saves.length)
        await client.close(true)
        await Promise.allSettled(saves)
      },
      { client },
    )
  })

  it('to answer in time', async () => {
    const store = mongodb.store({ collectionName: await mongodb.freshCollection(), timeout: 500, mongoOptions: { appName } })
    await ask(store, 'set', 'sid', sessionData())
    const data = { blockConnection: true, blockTimeMS: 1_500, failCommands: reading, appName }
    await admin().command({ configureFailPoint: 'failCommand', mode: 'alwaysOn', data })
    const code = await failureOf(ask(store, 'get', 'sid'))
    await admin().command({ configureFailPoint: 'failCommand', mode: 'off' })
    assert.equal(code, 'DATABANK_TIMEOUT')
    await assertRecovers(store)
  })

  it('on too few members to count as done', async () => {
    const writeConcernError = { code: 64, errmsg: 'waiting for replication timed out' }
    await failing({ times: 1 }, { writeConcernError, failCommands: ['update'] }, async (bank) => {
      assert.equal(await failureOf(bank.swap('sid', 'a', entry('b'))), 'DATABANK_TIMEOUT')
    })
    await failing({ times: 1 }, { writeConcernError, failCommands: ['update'] }, async (bank) => {
      const swaps = [bank.swap('sid', null, entry('b')), bank.swap('new', null, entry('b')), bank.swap('newer', null, entry('b'))]
      const outcomes = await Promise.all(swaps.map((swap) => swap.catch((error) => error.code)))
      // The driver tells then only that, and not that one of them met a conflict.
      assert.deepEqual(new Set(outcomes), new Set(['DATABANK_TIMEOUT']))
      assert.equal((await bank.read('newer'))?.payload, 'b')
    })
  })
})

describe.skipIf(missing ?? program === undefined)('a server that refuses us', () => {
  const mongodb = onMongodb({ auth: true, tls: true })
  const clients: MongoClient[] = []
  afterAll(() => Promise.all(clients.map((client) => client.close())))

  const open = (user: string, parameters = `tls=true&tlsCAFile=${encodeURIComponent(String(mongodb.server.caFile))}`) =>
    mongodb.store({ url: `mongodb://${user}127.0.0.1:${mongodb.server.port}/tests?authSource=admin&${parameters}`, timeout })

  it('without credentials, or with wrong ones', async () => {
    for (const user of ['', 'admin:wrong@', 'nobody:secret@']) {
      const store = open(user)
      assert.equal(await failureOf(store.open()), 'DATABANK_DENIED')
      assert.equal(await failureOf(ask(store, 'get', 'sid')), 'DATABANK_DENIED')
      assert.equal(await failureOf(ask(store, 'set', 'sid', sessionData())), 'DATABANK_DENIED')
    }
    const store = open('admin:secret@')
    await store.open()
    assert.equal(await ask(store, 'get', 'sid'), null)
  })

  it('without TLS, or with an authority that we do not know', async () => {
    for (const parameters of ['', 'tls=true']) {
      assert.equal(await failureOf(open('admin:secret@', parameters).open()), 'DATABANK_UNAVAILABLE')
    }
  })

  it('the index: the store works, says so, and frees expired sessions itself', async () => {
    const admin = mongodb.client.db('admin')
    const actions = ['find', 'insert', 'update', 'remove']
    const privileges = [{ resource: { db: 'tests', collection: '' }, actions }]
    await admin.command({ createRole: 'sessions', privileges, roles: [] })
    await admin.command({ createUser: 'app', pwd: 'secret', roles: ['sessions'] })
    const collectionName = await mongodb.freshCollection()
    const warnings: unknown[] = []
    const log = { ...console, warn: (...words: unknown[]) => void warnings.push(...words) }
    const url = `${mongodb.url.replace('admin:secret@', 'app:secret@')}`
    const store = mongodb.store({ url, collectionName, timeout, log })
    await store.open()
    assert.equal(warnings.length, 1)
    assert.match(String(warnings[0]), /no TTL index on expires could be made; the store's own clean-up frees expired sessions/)
    await ask(store, 'set', 'sid', sessionData({}, 1))
    await ask(store, 'set', 'alive', sessionData())
    await until(() => Date.now() % 5 === 0, 'the death')
    await ask(store, 'cleanup')
    assert.deepEqual(await mongodb.collection(collectionName).distinct('_id'), ['alive'])
    assert.deepEqual(
      (await mongodb.collection(collectionName).indexes()).map(({ name }) => name),
      ['_id_'],
    )
  })

  it('the index because another of its name is there: that one is used, and said', async () => {
    const collectionName = await mongodb.freshCollection()
    await mongodb.collection(collectionName).createIndex({ expires: 1 }, { expireAfterSeconds: 3_600 })
    const warnings: string[] = []
    const bank = mongodb.bank({ collectionName, onWarning: (message) => warnings.push(message) })
    await bank.open()
    await bank.save('sid', entry('a'))
    assert.equal((await bank.read('sid'))?.payload, 'a')
    assert.equal(warnings.length, 1)
    assert.match(String(warnings[0]), /no TTL index of 0 seconds/)
  })
})
