// The suites with a near cache. What one process writes, another reads a moment later: when the news of it has come. The suites ask
// for it at once, so here a write is answered when each bank of the place has heard of it.
import { bankConformance, historyConformance, storeConformance } from '@connect-databank/conformance'
import { type Bank, DatabankStore } from 'connect-databank'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { openBank } from '../src/index.ts'

const WRITES = ['save', 'swap', 'delete', 'touch', 'touchMany', 'clear', 'purge'] as const

let redis: RedisServer
let places = 0

/** Banks of one place, each as if in a process of its own. */
class Place {
  readonly #prefix = `near*${places++}:`
  readonly #banks: Bank[] = []

  open(): Bank {
    const bank = openBank(redis.url, { prefix: this.#prefix, nearCache: true })
    this.#banks.push(bank)
    return { ...bank, ...Object.fromEntries(WRITES.map((name) => [name, this.#heard(bank, bank[name] as Write)])) }
  }

  #heard(bank: Bank, write: Write): Write {
    return async (...args) => {
      try {
        return await write(...args)
      } finally {
        const others = this.#banks.filter((other) => other !== bank)
        // News comes before the answer to what is asked later. One that is closed serves nothing.
        await Promise.allSettled(others.map((other) => other.open?.()))
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#banks.map((bank) => bank.close?.()))
  }
}

type Write = (...args: unknown[]) => Promise<unknown>

describe.skipIf(server('redis').missing)('with a near cache', () => {
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  bankConformance(
    { describe, it: it.concurrent },
    {
      open: async () => {
        const place = new Place()
        return { bank: place.open(), another: async () => place.open(), close: () => place.close() }
      },
    },
  )

  storeConformance(
    { describe, it: it.concurrent },
    {
      open: async () => {
        const place = new Place()
        const open = () => new DatabankStore({ bank: place.open() })
        return { store: open(), another: async () => open(), close: () => place.close() }
      },
    },
  )

  historyConformance(
    { describe, it },
    {
      open: async (layer) => {
        const place = new Place()
        const open = async () => new DatabankStore({ bank: layer(place.open()) })
        return { store: await open(), another: open, close: () => place.close() }
      },
    },
  )
})
