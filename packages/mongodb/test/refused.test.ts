import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { until } from '../../../testing/program.js'
import { server } from '../../../testing/servers/index.js'
import { failureOf } from './failure-of.ts'
import { ask, contextWith, HOUR, onMongodb, sessionData } from './support.ts'

const { missing, program } = server('mongodb')
const timeout = 2_000
const failure = (work: Promise<unknown>) => failureOf(work, timeout)
const entry = (payload: string) => ({ payload, expires: Date.now() + HOUR })

describe.skipIf(missing ?? program === undefined)('a server that refuses', () => {
  const mongodb = onMongodb({ auth: true, tls: true })

  const open = (user: string, parameters = `tls=true&tlsCAFile=${encodeURIComponent(String(mongodb.server.caFile))}`) =>
    mongodb.store({ url: `mongodb://${user}127.0.0.1:${mongodb.server.port}/tests?authSource=admin&${parameters}`, timeout })

  it('missing or wrong credentials: DATABANK_DENIED', async () => {
    for (const user of ['', 'admin:wrong@', 'nobody:secret@']) {
      const store = open(user)
      assert.equal(await failure(store.open()), 'DATABANK_DENIED')
      assert.equal(await failure(ask(store, 'get', 'sid')), 'DATABANK_DENIED')
      assert.equal(await failure(ask(store, 'set', 'sid', sessionData())), 'DATABANK_DENIED')
    }
    const store = open('admin:secret@')
    await store.open()
    assert.equal(await ask(store, 'get', 'sid'), null)
  })

  it('a connection without TLS, or that does not trust its certificate: DATABANK_UNAVAILABLE', async () => {
    for (const parameters of ['', 'tls=true']) {
      assert.equal(await failure(open('admin:secret@', parameters).open()), 'DATABANK_UNAVAILABLE')
    }
  })

  it('to make an index: the store works, the log says so, and the store deletes expired sessions itself', async () => {
    const admin = mongodb.client.db('admin')
    const actions = ['find', 'insert', 'update', 'remove']
    const privileges = [{ resource: { db: 'tests', collection: '' }, actions }]
    await admin.command({ createRole: 'sessions', privileges, roles: [] })
    await admin.command({ createUser: 'app', pwd: 'secret', roles: ['sessions'] })
    const collectionName = await mongodb.freshCollection()
    const warnings: unknown[] = []
    const log = { debug() {}, info() {}, error() {}, warn: (...words: unknown[]) => void warnings.push(...words) }
    const url = `${mongodb.url.replace('admin:secret@', 'app:secret@')}`
    const store = mongodb.store({ url, collectionName, timeout, log })
    await store.open()
    assert.equal(warnings.length, 1)
    assert.match(String(warnings[0]), /no TTL index on expires could be made; the store's own clean-up deletes expired sessions/)
    await ask(store, 'set', 'sid', sessionData({}, 1))
    await ask(store, 'set', 'live', sessionData())
    const expired = Date.now() + 5
    await until(() => Date.now() > expired, 'the session to expire')
    await ask(store, 'cleanup')
    assert.deepEqual(await mongodb.collection(collectionName).distinct('_id'), ['live'])
    assert.deepEqual(
      (await mongodb.collection(collectionName).indexes()).map(({ name }) => name),
      ['_id_'],
    )
  })

  it('to make an index because it has another of that name: the log says so', async () => {
    const collectionName = await mongodb.freshCollection()
    await mongodb.collection(collectionName).createIndex({ expires: 1 }, { expireAfterSeconds: 3_600 })
    const { warnings, ...context } = contextWith()
    const bank = mongodb.bank({ collectionName }, context)
    await bank.open()
    await bank.save('sid', entry('a'))
    assert.equal((await bank.read('sid'))?.payload, 'a')
    assert.equal(warnings.length, 1)
    assert.match(String(warnings[0]), /no TTL index of 0 seconds/)
  })
})
