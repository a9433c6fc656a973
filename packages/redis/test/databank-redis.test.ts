// The driver that connect-databank 1.x used for Redis, through the core: what of the suites it passes.
import { type Grade, gradeBank, gradeStore, type OpenedBank } from '@connect-databank/conformance'
import { type Bank, DatabankStore, fromDatabank } from 'connect-databank'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { type RedisServer, startRedis } from '../../../testing/servers/redis.js'

/** The driver sends ids as UTF-8, in which all lone surrogates are one. No id of express-session's has any. */
const LIMITS = ['ids are kept apart: lone surrogates', 'scan gives any id as it was saved']

describe.skipIf(server('redis').missing)('databank-redis through fromDatabank', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  const bank = (): Bank => fromDatabank('redis', { host: '127.0.0.1', port: redis.port })

  async function openBank(): Promise<OpenedBank> {
    await redis.admin(['FLUSHALL'])
    const banks: Bank[] = []
    const another = async () => {
      const opened = bank()
      banks.push(opened)
      return opened
    }
    return { bank: await another(), another, close: async () => void (await Promise.all(banks.map((each) => each.close?.()))) }
  }

  async function openStore() {
    await redis.admin(['FLUSHALL'])
    const stores: DatabankStore[] = []
    const another = async () => {
      const store = new DatabankStore({ bank: bank() })
      stores.push(store)
      return store
    }
    return { store: await another(), another, close: async () => void (await Promise.all(stores.map((each) => each.close()))) }
  }

  it('passes the suite for banks, but for its limits', async () => {
    expect(failures(await gradeBank({ open: openBank }))).toEqual(LIMITS)
  }, 60_000)

  it('passes the suite for stores, but for its limits', async () => {
    expect(failures(await gradeStore({ open: openStore }))).toEqual(LIMITS.slice(0, 1))
  }, 60_000)
})

function failures(grades: Grade[]): string[] {
  expect(grades.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(35)
  return grades.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)
}
