// The suites with a near cache. What one process writes, another reads a moment later, when the news has come. The suites read at once,
// so here a write ends when every other bank with the same prefix has the news.
import { bankConformance, historyConformance, ownerInHistories, storeConformance } from '@connect-databank/conformance'
import { type Bank, DatabankStore } from 'connect-databank'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { type RedisServer, startRedis } from '../../../testing/servers/redis.js'
import { openBank } from '../src/near-cache.ts'

const WRITES = ['save', 'swap', 'delete', 'touch', 'clear', 'purge'] as const

let redis: RedisServer
let prefixes = 0

/** Banks with the same prefix, each as if in a process of its own. */
class Prefix {
  readonly #prefix = `near*${prefixes++}:`
  readonly #banks: Bank[] = []

  open(): Bank {
    const bank = openBank(redis.url, { prefix: this.#prefix })
    this.#banks.push(bank)
    return { ...bank, ...Object.fromEntries(WRITES.map((name) => [name, this.#withNews(bank, bank[name] as Write)])) }
  }

  #withNews(bank: Bank, write: Write): Write {
    return async (...args) => {
      try {
        return await write(...args)
      } finally {
        const others = this.#banks.filter((other) => other !== bank)
        // News comes before the answer to what is asked later. A closed bank serves nothing.
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
        const shared = new Prefix()
        return { bank: shared.open(), another: async () => shared.open(), close: () => shared.close() }
      },
      expiresByOwnClock: true,
    },
  )

  storeConformance(
    { describe, it: it.concurrent },
    {
      open: async () => {
        const shared = new Prefix()
        const open = () => new DatabankStore({ bank: shared.open() })
        return {
          store: open(),
          another: async () => open(),
          configured: async (settings, layer) => new DatabankStore({ ...settings, bank: layer(shared.open()) }),
          close: () => shared.close(),
        }
      },
      rounding: 0,
    },
  )

  historyConformance(
    { describe, it },
    {
      owners: true,
      runs: 400,
      open: async (layer) => {
        const shared = new Prefix()
        const open = async () => new DatabankStore({ bank: layer(shared.open()), owner: ownerInHistories })
        return { store: await open(), another: open, close: () => shared.close() }
      },
    },
  )
})
