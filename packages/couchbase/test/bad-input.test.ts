import { idConformance, recordConformance } from '@connect-databank/conformance'
import { CouchbaseBank } from '@connect-databank/couchbase'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { withoutListing } from './suites.ts'
import { missing } from './support.ts'

describe.skipIf(missing)('on Couchbase', () => {
  let couchbase: Awaited<ReturnType<typeof startCouchbase>>
  beforeAll(async () => {
    couchbase = await startCouchbase()
  })
  afterAll(() => couchbase?.stop())

  const open = async () => {
    const bank = new CouchbaseBank({ url: couchbase.url, prefix: 'bad:' })
    const neighbour = new CouchbaseBank({ url: couchbase.url, prefix: 'bad' })
    await neighbour.save('-mine', { payload: 'mine', expires: null })
    return {
      bank: withoutListing(bank),
      outside: () => neighbour.read('-mine'),
      close: async () => {
        await neighbour.close()
        await bank.close()
      },
    }
  }

  // The mock is slow: ID_COUNT=50000 asks for all of them.
  idConformance({ describe, it }, { open, count: 2_000, time: 300_000 })
  // The server takes 20 MB. The mock needs seconds for 16.
  recordConformance({ describe, it }, { open, largest: 2 ** 20, oneIn: 5 })
})
