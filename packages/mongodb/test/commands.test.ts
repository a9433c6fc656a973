import assert from 'node:assert/strict'
import { MongoClient, type MongoClientOptions } from 'mongodb'
import { describe, it } from 'vitest'
import { startProxy } from '../../../testing/proxy.js'
import { server } from '../../../testing/servers/index.js'
import { type MongoBankOptions, MongoStore } from '../src/index.ts'
import { within } from './address.ts'
import { ask, HOUR, onMongodb, sessionData } from './support.ts'

const { missing, program } = server('mongodb')
const inAnHour = () => Date.now() + HOUR

describe.skipIf(missing ?? program === undefined)('the commands that are sent', () => {
  const mongodb = onMongodb()

  /** A bank, open, on a client whose commands are written down. */
  async function watched(options: MongoBankOptions = {}, settings: MongoClientOptions = {}) {
    const client = mongodb.keep(new MongoClient(mongodb.url, { ...settings, monitorCommands: true }))
    const commands: { name: string; command: Record<string, unknown> }[] = []
    client.on('commandStarted', ({ commandName, command }) => {
      if (commandName !== 'endSessions') commands.push({ name: commandName, command })
    })
    const collectionName = await mongodb.freshCollection()
    const bank = mongodb.bank({ client, collectionName, ...options })
    await bank.open()
    const sentBy = async (work: () => Promise<unknown>): Promise<string[]> => {
      commands.length = 0
      await work()
      return commands.map(({ name }) => name)
    }
    return { bank, client, collectionName, commands, sentBy }
  }

  it('are one for each operation, also for one on many sessions', async () => {
    const { bank, sentBy } = await watched()
    const now = Date.now()
    const ids = Array.from({ length: 300 }, (_, index) => `sid-${index}`)
    const entry = (payload: string) => ({ payload, expires: inAnHour() })
    assert.deepEqual(await sentBy(() => bank.save('sid-0', entry('a'))), ['update'])
    assert.deepEqual(await sentBy(() => bank.read('sid-0')), ['find'])
    assert.deepEqual(await sentBy(() => bank.touch('sid-0', inAnHour(), now)), ['update'])
    assert.deepEqual(await sentBy(() => bank.swap('sid-0', 'a', entry('b'), now)), ['update'])
    assert.deepEqual(await sentBy(() => bank.swap('sid-0', null, entry('c'), now)), ['update'])
    assert.deepEqual(await sentBy(() => bank.swap('sid-1', null, entry('c'), now)), ['update'])
    await bank.swap('sid-1', 'c', { payload: 'expired', expires: 1 }, now)
    assert.deepEqual(await sentBy(async () => assert.equal(await bank.swap('sid-1', null, entry('c'), now), 'c')), ['update'])
    const saves = await sentBy(() => Promise.all(ids.map((id) => bank.save(id, entry('a')))))
    assert.deepEqual(saves, ['bulkWrite', 'bulkWrite', 'bulkWrite'])
    const large = await sentBy(() => Promise.all(ids.slice(0, 3).map((id) => bank.save(id, entry('a'.repeat(1_500_000))))))
    assert.deepEqual(large.sort(), ['bulkWrite', 'update'])
    assert.deepEqual(await sentBy(() => bank.readMany(ids)), ['find'])
    const touches = ids.map((id) => [id, inAnHour()] as const)
    assert.deepEqual(await sentBy(() => bank.touchMany(touches, now)), ['update'])
    assert.deepEqual(await sentBy(() => bank.count(now)), ['aggregate'])
    assert.deepEqual(await sentBy(() => bank.purge(now)), ['delete'])
    assert.deepEqual(await sentBy(() => bank.delete('sid-0')), ['delete'])
    assert.deepEqual(await sentBy(() => bank.clear()), ['delete'])
    assert.match((await bank.describe()).server, /^MongoDB \d/)
  })

  it('make the TTL index once, and only where it is wanted', async () => {
    for (const [options, expected] of [
      [{}, 1],
      [{ ttlIndex: false }, 0],
    ] as const) {
      const { bank, commands } = await watched(options)
      for (let round = 0; round < 3; round++) await bank.read('sid')
      assert.equal(commands.filter(({ name }) => name === 'createIndexes').length, expected)
    }
  })

  it('write nothing before the first write of the caller', async () => {
    const { bank, collectionName, commands } = await watched()
    await bank.read('sid')
    await bank.touch('sid', inAnHour(), Date.now())
    const names = new Set(commands.map(({ name }) => name))
    assert.deepEqual([...names].sort(), ['createIndexes', 'find', 'hello', 'update'])
    assert.equal(await mongodb.collection(collectionName).countDocuments(), 0)
  })

  it('are fewer than the requests of a store that come in together', async () => {
    const { client, collectionName, sentBy } = await watched()
    const store = mongodb.keep(new MongoStore({ client, collectionName }))
    await store.open()
    const sids = Array.from({ length: 50 }, (_, index) => `sid-${index}`)
    const sets = await sentBy(() => Promise.all(sids.map((sid) => ask(store, 'set', sid, sessionData()))))
    assert.ok(sets.length < 10, `${sets.length} commands for 50 sets`)
    const finds = await sentBy(() => Promise.all(sids.map((sid) => ask(store, 'get', sid))))
    assert.ok(finds.length < 10, `${finds.length} commands for 50 gets`)
    const touches = await sentBy(() => Promise.all(sids.map((sid) => ask(store, 'touch', sid, sessionData()))))
    assert.ok(touches.length < 60, `${touches.length} commands for 50 touches`)
  })

  it('are one for writes that come in together, each of which gets its own result', async () => {
    const { bank, collectionName, sentBy } = await watched()
    const now = Date.now()
    const entry = (payload: string, expires = inAnHour()) => ({ payload, expires })
    const before = [bank.save('same', entry('a')), bank.save('other', entry('b')), bank.save('live', entry('a'))]
    assert.deepEqual(await sentBy(() => Promise.all([...before, bank.save('expired', entry('a', 1))])), ['bulkWrite'])

    let results: unknown[] = []
    const sent = await sentBy(async () => {
      const swaps = ['same', 'other', 'missing', 'expired'].map((id) => bank.swap(id, 'a', entry('c'), now))
      results = await Promise.all([...swaps, bank.swap('new', null, entry('c'), now), bank.save('saved', entry('c'))])
    })
    assert.deepEqual(results, ['c', null, null, null, 'c', undefined])
    // Each of the three that matched nothing reads what is stored, perhaps in another form.
    assert.deepEqual(sent, ['bulkWrite', 'find', 'find', 'find'])

    const more = [
      bank.swap('live', null, entry('d'), now),
      bank.swap('expired', null, entry('d'), now),
      bank.swap('same', 'c', entry('d'), now),
    ]
    assert.deepEqual(await Promise.all(more), [null, 'd', 'd'])
    const stored = await mongodb.collection(collectionName).find().sort({ _id: 1 }).toArray()
    assert.deepEqual(
      stored.map(({ _id, session }) => [_id, session]),
      ['expired d', 'live a', 'new c', 'other b', 'same d', 'saved c'].map((text) => text.split(' ')),
    )
  })

  it('read at the primary, unless another place is asked for', async () => {
    const preferenceOf = async (options: MongoBankOptions) => {
      const { bank, commands } = await watched(options, { readPreference: 'secondaryPreferred' })
      commands.length = 0
      await bank.read('sid')
      return (commands[0]?.command['$readPreference'] as { mode: string } | undefined)?.mode
    }
    assert.equal(await preferenceOf({}), undefined)
    assert.equal(await preferenceOf({ readPreference: 'nearest' }), 'nearest')

    const proxy = await startProxy(mongodb.server.port)
    const held = proxy.holdAt('secondaryPreferred')
    const url = `${within(`mongodb://127.0.0.1:${proxy.port}`, 'tests')}directConnection=true&readPreference=secondaryPreferred`
    const bank = mongodb.bank({ url })
    const reading = bank.read('sid')
    const release = await held
    release()
    assert.equal(await reading, null)
    await bank.close()
    await proxy.close()
  })

  it('carry the write concern that was asked for', async () => {
    const { bank, commands } = await watched({ writeConcern: { w: 'majority', j: true } })
    await bank.save('sid', { payload: 'a', expires: null })
    assert.deepEqual(commands.at(-1)?.command['writeConcern'], { w: 'majority', j: true })
    await Promise.all(['one', 'two'].map((id) => bank.save(id, { payload: 'a', expires: null })))
    assert.equal(commands.at(-1)?.name, 'bulkWrite')
    assert.deepEqual(commands.at(-1)?.command['writeConcern'], { w: 'majority', j: true })
  })
})
