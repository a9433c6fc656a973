import assert from 'node:assert/strict'
import ConnectMongo from 'connect-mongo'
import { describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import type { MongoStoreOptions } from '../src/index.ts'
import { ask, HOUR, load, onMongodb, sessionData } from './support.ts'

const { missing, program } = server('mongodb')

describe.skipIf(missing ?? program === undefined)('a collection shared with connect-mongo', () => {
  const mongodb = onMongodb()

  /** connect-mongo and ours on one fresh collection. */
  async function both(theirs: Partial<ConstructorParameters<typeof ConnectMongo>[0]> = {}, ours: MongoStoreOptions = {}) {
    const collectionName = await mongodb.freshCollection()
    const connectMongo = mongodb.keep(ConnectMongo.create({ mongoUrl: mongodb.url, collectionName, ...theirs }))
    // Its index comes first: one that differs in what it says of itself, as ours does, would end the process.
    await ask(connectMongo, 'length')
    return {
      collection: mongodb.collection(collectionName),
      theirs: connectMongo,
      ours: mongodb.store({ collectionName, ...ours }),
    }
  }

  for (const stringify of [true, false]) {
    const form = stringify ? 'text' : 'sub-documents'

    it(`reads, touches, merges and destroys sessions that connect-mongo wrote as ${form}`, async () => {
      const { theirs, ours, collection } = await both({ stringify })
      const written = sessionData({ user: 'ada', cart: [{ id: 1, at: { x: [null, true, 1.5] } }], 'a.b': { $c: 1 } })
      await ask(theirs, 'set', 'sid', written)
      assert.deepEqual(await ask(ours, 'get', 'sid'), JSON.parse(JSON.stringify(written)))
      assert.equal(await ask(ours, 'length'), 1)

      const [first, second, third] = [await load(ours, 'sid'), await load(ours, 'sid'), await load(ours, 'sid')]
      const before = await collection.findOne({ _id: 'sid' })
      third.touch()
      assert.notDeepEqual(third.cookie.expires, before.expires)
      await ask(ours, 'touch', 'sid', third)
      assert.deepEqual(await collection.findOne({ _id: 'sid' }), { ...before, expires: third.cookie.expires })

      first.one = 1
      second.two = 2
      await ask(ours, 'set', 'sid', first)
      await ask(ours, 'set', 'sid', second)
      const merged = await ask(ours, 'get', 'sid')
      assert.deepEqual([merged.user, merged.one, merged.two], ['ada', 1, 2])
      if (stringify) assert.equal((await ask(theirs, 'get', 'sid')).two, 2)

      await ask(ours, 'destroy', 'sid')
      assert.equal(await ask(theirs, 'get', 'sid'), null)
    })

    it(`does not extend an absolute time-out by what connect-mongo writes as ${form}`, async () => {
      const { theirs, ours } = await both({ stringify }, { native: !stringify, absoluteTimeout: 2 * HOUR })
      await ask(ours, 'set', 'sid', sessionData({ user: 'ada' }))
      const latest = Date.now() + 2 * HOUR
      const longer = sessionData({ user: 'ada', visits: 1 }, 10 * HOUR)
      await ask(theirs, 'set', 'sid', { ...(await ask(theirs, 'get', 'sid')), ...longer })
      await ask(theirs, 'touch', 'sid', longer)
      const found = await ask(ours, 'get', 'sid')
      assert.equal(found.visits, 1)
      assert.ok(new Date(found.cookie.expires).getTime() <= latest)
    })

    it(`writes what connect-mongo reads and touches, as ${form}`, async () => {
      const { theirs, ours, collection } = await both({ stringify }, { native: !stringify })
      const written = sessionData({ user: 'ada', list: [1, { two: 'ü' }] })
      await ask(ours, 'set', 'sid', written)
      const read = await ask(theirs, 'get', 'sid')
      assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(written)))
      assert.equal(await ask(theirs, 'length'), 1)

      read.cookie.expires = new Date(Date.now() + 3 * HOUR)
      await ask(theirs, 'touch', 'sid', read)
      assert.equal((await ask(ours, 'get', 'sid')).cookie.expires, read.cookie.expires.toISOString())

      const stored = await collection.findOne({ _id: 'sid' })
      assert.deepEqual(Object.keys(stored).sort(), ['_id', 'expires', 'session'])
      assert.ok(stored.expires instanceof Date)
      if (!stringify)
        assert.equal(await collection.countDocuments({ 'session.user': 'ada', 'session.cookie.expires': { $gt: new Date() } }), 1)
    })
  }

  it('sees what connect-mongo changed meanwhile, and keeps both changes', async () => {
    for (const stringify of [true, false]) {
      const { theirs, ours } = await both({ stringify }, { native: !stringify })
      await ask(theirs, 'set', 'sid', sessionData({ n: 0 }))
      const mine = await load(ours, 'sid')
      const other = await ask(theirs, 'get', 'sid')
      await ask(theirs, 'set', 'sid', { ...other, theirs: true })
      mine.ours = true
      await ask(ours, 'set', 'sid', mine)
      const { n, theirs: a, ours: b } = await ask(ours, 'get', 'sid')
      assert.deepEqual([n, a, b], [0, true, true])
    }
  })

  it('swaps a sub-document whose dates and ids no JSON can say, and notices when it was changed', async () => {
    const { ours, collection } = await both()
    const session = { cookie: { originalMaxAge: null, expires: null }, since: new Date(0), tags: new Set(['a']) }
    const expires = new Date(Date.now() + HOUR)
    await collection.insertOne({ _id: 'sid', session: { ...session, tags: ['a'] }, expires })
    const [first, second] = [await load(ours, 'sid'), await load(ours, 'sid')]
    assert.equal(first.since, '1970-01-01T00:00:00.000Z')
    first.first = 1
    second.second = 2
    await ask(ours, 'set', 'sid', first)
    assert.equal(typeof (await collection.findOne({ _id: 'sid' })).session, 'string')
    await ask(ours, 'set', 'sid', second)
    const { first: a, second: b, tags } = await ask(ours, 'get', 'sid')
    assert.deepEqual([a, b, tags], [1, 2, ['a']])
  })

  it('keeps the fields that connect-mongo adds', async () => {
    const { theirs, ours, collection } = await both({ timestamps: true, touchAfter: 60 })
    await ask(theirs, 'set', 'sid', sessionData({ n: 0 }))
    const { createdAt, updatedAt, lastModified } = await collection.findOne({ _id: 'sid' })
    assert.ok(createdAt && updatedAt && lastModified)
    const session = await load(ours, 'sid')
    session.n = 1
    await ask(ours, 'set', 'sid', session)
    const after = await collection.findOne({ _id: 'sid' })
    assert.deepEqual([after.createdAt, after.updatedAt, after.lastModified], [createdAt, updatedAt, lastModified])
    assert.equal((await ask(theirs, 'get', 'sid')).n, 1)
  })

  it('leaves out expires where a session never expires, as connect-mongo reads it', async () => {
    const { theirs, ours, collection } = await both({}, { ttl: null })
    const { cookie } = sessionData()
    await ask(ours, 'set', 'sid', { cookie: { ...cookie, expires: null, originalMaxAge: null }, n: 1 })
    assert.equal('expires' in (await collection.findOne({ _id: 'sid' })), false)
    assert.equal((await ask(theirs, 'get', 'sid')).n, 1)
    const live = await load(ours, 'sid')
    live.cookie.maxAge = HOUR
    await ask(ours, 'touch', 'sid', live)
    assert.deepEqual((await collection.findOne({ _id: 'sid' })).expires, live.cookie.expires)
  })

  it('uses the TTL index that connect-mongo made, and makes the one that it would', async () => {
    const warnings: string[] = []
    const { theirs, ours, collection } = await both(
      {},
      { log: { ...console, warn: (message: unknown) => warnings.push(String(message)) } },
    )
    await ask(theirs, 'length')
    const made = await collection.indexes()
    await ours.open()
    assert.deepEqual(await collection.indexes(), made)
    assert.deepEqual(warnings, [])

    const fresh = await both()
    await fresh.ours.open()
    const index = (await fresh.collection.indexes()).find(({ key }) => 'expires' in key)
    assert.deepEqual([index?.key, index?.['expireAfterSeconds']], [{ expires: 1 }, 0])
    await ask(fresh.theirs, 'length')
  })

  for (const crypto of [{ secret: 'a secret of some length' }, { secret: 'another secret, in hex', encodeas: 'hex' }]) {
    it(`takes what connect-mongo encrypted for missing, and leaves it as it is (${crypto.encodeas ?? 'base64'})`, async () => {
      const { theirs, ours, collection } = await both({ crypto })
      const corrupt: string[] = []
      ours.on('corrupt', ({ sid }: { sid: string }) => corrupt.push(sid))
      await ask(theirs, 'set', 'sid', sessionData({ user: 'ada' }))
      const before = await collection.findOne({ _id: 'sid' })
      assert.equal(await ask(ours, 'get', 'sid'), null)
      assert.deepEqual(await ask(ours, 'all'), [])
      assert.deepEqual(new Set(corrupt), new Set(['sid']))
      assert.deepEqual(await collection.findOne({ _id: 'sid' }), before)
    })
  }
})
