import { type Bank, coalesce, DatabankStore, type StoreOptions, splitOptions } from 'connect-databank'
import { RedisBank } from './bank.ts'
import { NearCache, withNearCache } from './near-cache.ts'
import { type LayerOptions, layersOf, type RedisBankOptions } from './options.ts'

export type { RedisClient } from './client.ts'
export type { ChangeListener } from './tracking.ts'
export { type LayerOptions, RedisBank, type RedisBankOptions }

/**
 * Sessions in Redis or Valkey, for express-session. Takes the options of the bank, of its layers, and of the store.
 *
 * @example
 * app.use(session({ store: new RedisStore({ url: 'redis://127.0.0.1:6379' }), secret, resave: false, saveUninitialized: false }))
 */
export class RedisStore extends DatabankStore {
  constructor(options: RedisBankOptions & LayerOptions & Omit<StoreOptions, 'bank'> = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: layered(bankOptions) })
  }
}

/** Opens the bank that a URL names: `redis://…`, or `rediss://…` for TLS. Connects on first use. */
export function openBank(url: string, options: RedisBankOptions & LayerOptions = {}): Bank {
  return layered({ url, ...options })
}

/** The bank under its layers. What is read near does not wait for what gathers below. */
function layered(options: RedisBankOptions & LayerOptions): Bank {
  const { nearCacheBytes, bankOptions } = layersOf(options)
  const bank = new RedisBank(bankOptions)
  const gathering = coalesce(bank)
  if (nearCacheBytes === undefined) return gathering
  const cache = new NearCache(nearCacheBytes)
  bank.track(cache)
  // A Redis bank has every method, and the layer keeps them.
  return withNearCache(gathering as Required<Bank>, cache, bank.renew)
}
