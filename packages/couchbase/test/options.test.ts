import { CouchbaseBank, CouchbaseStore, openBank } from '@connect-databank/couchbase'
import { describe, expect, it } from 'vitest'

const refused = expect.objectContaining({ name: 'TypeError', code: 'DATABANK_INVALID_OPTION' })

describe('the options', () => {
  it.each([
    ['redis://host', {}],
    ['couchbase://', {}],
    ['couchbase://host/a/b/c/d', {}],
    ['couchbase://%zz@host', {}],
    ['couchbase://host', { prefix: 'x'.repeat(41) }],
    ['couchbase://host', { prefix: '\ud800' }],
    ['couchbase://host', { durability: 'much' as never }],
    ['couchbase://host', { other: 1 } as never],
    ['couchbase://host', { maxPending: 0 }],
    ['couchbase://host', { ownerIndex: 'yes' as never }],
    ['couchbase://host', { cluster: { bucket() {}, query() {} } as never }],
  ])('are refused: %s with %j', (url, options) => {
    expect(() => openBank(url, options)).toThrow(refused)
  })

  it('a cluster or a collection that is undefined is a connection that is not made yet, and means no server on this machine', () => {
    for (const Class of [CouchbaseBank, CouchbaseStore]) {
      expect(() => new Class({ cluster: undefined as never })).toThrow(refused)
      expect(() => new Class({ collection: undefined as never })).toThrow(refused)
      expect(() => new Class({ bucket: undefined as never })).not.toThrow()
    }
  })

  it('a misspelt one names the nearest', () => {
    expect(() => new CouchbaseStore({ prefx: 'a' } as never)).toThrow(/did you mean prefix/)
    expect(() => new CouchbaseStore({ tuchAfter: 1 } as never)).toThrow(/did you mean touchAfter/)
  })
})
