import assert from 'node:assert/strict'

import { MongoClient } from 'mongodb'
import { MongoClient as MongoClient6 } from 'mongodb-6'
import { describe, it } from 'vitest'
import { MongoBank, type MongoBankOptions, type MongoClientLike, MongoStore, openBank } from '../src/index.ts'

/** The message about an option that is refused. */
function refusalOf(options: object): string {
  let message = ''
  assert.throws(
    () => new MongoStore(options as MongoBankOptions),
    (error: Error & { code?: string }) => {
      assert.ok(error instanceof TypeError)
      assert.equal(error.code, 'DATABANK_INVALID_OPTION')
      message = error.message
      return true
    },
  )
  return message
}

describe('the options', () => {
  it('are checked, without I/O', () => {
    assert.match(refusalOf({ url: 'redis://127.0.0.1' }), /url must be a URL that begins with mongodb:\/\//)
    assert.match(refusalOf({ client: {} }), /client must be a MongoClient/)
    assert.match(refusalOf({ colectionName: 'sessions' }), /unknown option "colectionName".*collectionName/)
    assert.match(refusalOf({ collectionName: '' }), /non-empty string/)
    assert.match(refusalOf({ readPreference: 'anywhere' }), /one of "primary"/)
    assert.match(
      refusalOf({ client: new MongoClient('mongodb://127.0.0.1'), url: 'mongodb://127.0.0.1' }),
      /either client, or url/,
    )
    assert.doesNotThrow(() => new MongoStore({ ttlIndex: false, native: true, ttl: null, cleanupInterval: null }))
    assert.doesNotThrow(() => new MongoBank())
  })

  it('of connect-mongo that mean something else are refused with what to write instead', () => {
    const advice: [object, RegExp][] = [
      [{ mongoUrl: 'mongodb://127.0.0.1' }, /use url/],
      [{ clientPromise: Promise.resolve() }, /use client/],
      [{ autoRemove: 'native' }, /leave it out/],
      [{ autoRemove: 'interval' }, /cleanupInterval, in milliseconds/],
      [{ autoRemove: 'disabled' }, /ttlIndex: false/],
      [{ autoRemoveInterval: 10 }, /cleanupInterval, in milliseconds, not minutes/],
      [{ stringify: false }, /native: true/],
      [{ transformId: String }, /hashIds/],
      [{ serialize: JSON.stringify }, /a layer/],
      [{ writeOperationOptions: { w: 1 } }, /writeConcern/],
      [{ crypto: { secret: 'a secret' } }, /option encryption; .*cannot be read/],
      [{ timestamps: true }, /left as they are/],
    ]
    for (const [options, expected] of advice) {
      const message = refusalOf(options)
      assert.match(message, expected)
      assert.doesNotMatch(message, /a secret/)
    }
  })

  it('take a client of the drivers 6 and 7, for the compiler too', async () => {
    const clients: MongoClientLike[] = [new MongoClient('mongodb://127.0.0.1'), new MongoClient6('mongodb://127.0.0.1')]
    for (const client of clients) {
      const bank = new MongoBank({ client })
      await bank.close()
    }
  })

  it('name a URL that the driver does not take at its first use, and show no password', async () => {
    const bank = new MongoBank({ url: 'mongodb://user:pass%zz@127.0.0.1/?nonsense=1' })
    await assert.rejects(bank.read('sid'), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'DATABANK_INVALID_OPTION')
      assert.doesNotMatch(error.message, /pass%zz/)
      return true
    })
    await bank.close()
  })

  it('refuse a write concern that gives no answers, in a URL as well', async () => {
    const bank = new MongoBank({ url: 'mongodb://127.0.0.1/?w=0' })
    await assert.rejects(bank.open(), { code: 'DATABANK_INVALID_OPTION' })
    await bank.close()
  })

  it('may come with a URL', async () => {
    for (const scheme of ['mongodb', 'mongodb+srv']) {
      const bank = openBank(`${scheme}://127.0.0.1/app`, { collectionName: 'others' })
      assert.equal(typeof bank.swap, 'function')
      await bank.close?.()
    }
    const unknown = { prefix: 's:' } as never
    assert.throws(() => openBank('mongodb://127.0.0.1/app', unknown), { code: 'DATABANK_INVALID_OPTION' })
  })
})
