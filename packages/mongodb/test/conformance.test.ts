import { afterAll, beforeAll, describe } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startMongodb } from '../../../testing/servers/mongodb.js'
import { conformance, conformanceOfStore } from './suites.ts'

const { missing, program, url } = server('mongodb')

describe.skipIf(missing ?? program === undefined)('MongoDB as a replica set of one', () => {
  let mongodb: Awaited<ReturnType<typeof startMongodb>>
  beforeAll(async () => {
    mongodb = await startMongodb()
  })
  afterAll(() => mongodb?.stop())

  conformance(() => mongodb.url)
  conformanceOfStore(() => mongodb.url)
})

if (url !== undefined) {
  describe('MongoDB at MONGODB_URL', () => {
    conformance(() => String(url))
    conformanceOfStore(() => String(url))
  })
}
