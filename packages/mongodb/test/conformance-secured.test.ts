import { afterAll, beforeAll, describe } from 'vitest'
import { ofClient } from '../../../testing/parts.ts'
import { server } from '../../../testing/servers/index.js'
import { startMongodb } from '../../../testing/servers/mongodb.js'
import { conformance } from './suites.ts'

const { missing, program } = server('mongodb')

describe.skipIf(missing ?? program === undefined)('MongoDB alone, with authentication and TLS, without a TTL index', () => {
  let mongodb: Awaited<ReturnType<typeof startMongodb>>
  beforeAll(async () => {
    mongodb = await startMongodb({ standalone: true, auth: true, tls: true })
  })
  afterAll(() => mongodb?.stop())

  // Ids are text, however it is sent.
  const only = (check: string) => ofClient(check) && !/any id/.test(check)
  conformance(() => mongodb.url, { ttlIndex: false }, only)
})
