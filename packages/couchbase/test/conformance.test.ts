import { afterAll, beforeAll, describe, it } from 'vitest'
import { startCouchbase } from '../../../testing/servers/couchbase.js'
import { conformance } from './suites.ts'
import { missing, realCluster } from './support.ts'

describe.skipIf(missing)('Couchbase', () => {
  let mock: Awaited<ReturnType<typeof startCouchbase>>
  beforeAll(async () => {
    mock = await startCouchbase()
  })
  afterAll(() => mock?.stop())

  conformance('on CouchbaseMock', () => mock.url, false)

  if (realCluster === undefined)
    it.skip('listing: left out, CouchbaseMock has no query service: set COUCHBASE_URL to a real cluster')
  else conformance('on the cluster of COUCHBASE_URL', () => realCluster as string, true)
})
