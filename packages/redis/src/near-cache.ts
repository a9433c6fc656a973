import { DatabankStore, type StoreOptions } from 'connect-databank'
import {
  type Bank,
  type BankContext,
  checkOptions,
  DEFAULT_CONTEXT,
  invalidOption,
  rules,
  splitOptions,
} from 'connect-databank/backend'
import { RedisBank } from './bank.ts'
import { NearCache } from './near-cache/cache.ts'
import { withNearCache } from './near-cache/layer.ts'
import { track } from './near-cache/tracking.ts'
import type { RedisBankOptions } from './options.ts'

/** The options of a Redis bank with a near cache. It needs `url`, for a connection of its own. */
export interface NearCacheBankOptions extends Omit<RedisBankOptions, 'client'> {
  /** The most memory of the near cache, in bytes. Default: 33 554 432 (32 MiB). */
  readonly nearCacheBytes?: number
}

/** The options of a `RedisStore` with a near cache. All times are in milliseconds. */
export interface RedisStoreOptions extends NearCacheBankOptions, Omit<StoreOptions, 'bank'> {}

/**
 * A session store on Redis or Valkey that keeps sessions in this process until the server reports a change. It is faster only with
 * `touchAfter` and a server on another machine.
 *
 * @example
 * const store = new RedisStore({ url: 'redis://redis.internal:6379', touchAfter: 60_000 })
 * @throws DATABANK_INVALID_OPTION
 */
export class RedisStore extends DatabankStore {
  constructor(options: RedisStoreOptions = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: (context) => cachedBank(bankOptions, context) })
  }
}

/**
 * Makes the bank of a URL with a near cache, without connecting. `openStore` can use this module for a scheme:
 * `{ schemes: { redis: () => import('@connect-databank/redis/near-cache') } }`.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: NearCacheBankOptions = {}, context: BankContext = DEFAULT_CONTEXT): Bank {
  return cachedBank({ url, ...options }, context)
}

function cachedBank({ nearCacheBytes = 33_554_432, ...options }: NearCacheBankOptions, context: BankContext): Bank {
  checkOptions('RedisBank', { nearCacheBytes: rules.positiveInteger }, { nearCacheBytes })
  if ('client' in options) throw invalidOption('RedisBank: the near cache needs url, for a connection of its own, not client')
  // Tracking sets these itself.
  const taken = ['RESP', 'clientSideCache', 'emitInvalidate'].find((name) => Object.hasOwn(options.clientOptions ?? {}, name))
  if (taken !== undefined) throw invalidOption(`RedisBank: the near cache does not go with clientOptions.${taken}`)
  const cache = new NearCache(nearCacheBytes)
  return withNearCache(new RedisBank(options, context, track(cache, options.prefix)), cache)
}
