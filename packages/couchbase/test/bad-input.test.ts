import { assertKeysApart, idConformance, recordConformance } from '@connect-databank/conformance'
import { type CouchbaseBank, openBank } from '@connect-databank/couchbase'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { placeOf } from '../src/keys.ts'
import { missing } from './server.ts'

describe.skipIf(missing)('on Couchbase', () => {
  let couchbase: Awaited<ReturnType<typeof startCouchbase>>
  beforeAll(async () => {
    couchbase = await startCouchbase()
  })
  afterAll(() => couchbase?.stop())

  const open = async () => {
    const bank = openBank(couchbase.url, { prefix: 'bad:' }) as CouchbaseBank
    const neighbour = openBank(couchbase.url, { prefix: 'bad' }) as CouchbaseBank
    await neighbour.save('-mine', { payload: 'mine', expires: null })
    return {
      // Without what the mock lacks.
      bank: {
        ...{
          read: bank.read.bind(bank),
          save: bank.save.bind(bank),
          delete: bank.delete.bind(bank),
          swap: bank.swap.bind(bank),
          touch: bank.touch.bind(bank),
        },
      },
      outside: () => neighbour.read('-mine'),
      close: async () => {
        await neighbour.close()
        await bank.close()
      },
    }
  }

  // The mock is slow: ID_COUNT=50000 asks for all of them.
  idConformance({ describe, it }, { open, count: 10_000, time: 300_000 })
  // The server takes 20 MB, the mock that stands in for it needs seconds for 16.
  recordConformance({ describe, it }, { open, largest: 2 ** 20 })
})

it('50,000 ids have keys of their own, short enough for Couchbase', () => {
  const isInside = (key: string): boolean => key.startsWith('prefix:') && Buffer.byteLength(key) <= 250
  assertKeysApart((id) => placeOf('prefix:', id).key, { isInside })
})
