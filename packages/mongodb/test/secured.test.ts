import { afterAll, beforeAll, describe } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startMongodb } from '../../../testing/servers/mongodb.js'
import { conformance } from './conformance.ts'

const { missing, program } = server('mongodb')

describe.skipIf(missing ?? program === undefined)('MongoDB alone, with authentication and TLS', () => {
  let mongodb: Awaited<ReturnType<typeof startMongodb>>
  beforeAll(async () => {
    mongodb = await startMongodb({ standalone: true, auth: true, tls: true })
  })
  afterAll(() => mongodb?.stop())

  conformance(() => mongodb.url)
})
