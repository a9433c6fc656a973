// The driver that connect-databank 1.x used for Redis, through core: which checks of the suites it passes.
import { type Grade, gradeBank, gradeStore, type OpenedBank } from '@connect-databank/conformance'
import { type Bank, DatabankStore, fromDatabank } from 'connect-databank'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { type RedisServer, startRedis } from '../../../testing/servers/redis.js'

/** The driver has no compare-and-swap: between processes, `update` is a read and a save. */
const LIMITS_OF_STORES = ['100 parallel increments by update on two stores give 100']

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

  it('passes the suite for banks', async () => {
    expect(failures(await gradeBank({ open: openBank }))).toEqual([])
  }, 60_000)

  it('passes the suite for stores, except where it would need compare-and-swap', async () => {
    expect(failures(await gradeStore({ open: openStore }))).toEqual(LIMITS_OF_STORES)
  }, 60_000)
})

function failures(grades: Grade[]): string[] {
  expect(grades.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(35)
  return grades.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)
}
