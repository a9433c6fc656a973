import { DatabankStore, type StoreOptions } from 'connect-databank'
import { type Bank, type BankContext, DEFAULT_CONTEXT, splitOptions } from 'connect-databank/backend'
import { RedisBank } from './bank.ts'
import type { RedisBankOptions } from './options.ts'

export type { RedisClient } from './clients.ts'
export { RedisBank, type RedisBankOptions }

/** The options of a `RedisStore`. All times are in milliseconds. */
export interface RedisStoreOptions extends RedisBankOptions, Omit<StoreOptions, 'bank'> {}

/**
 * A session store on Redis or Valkey. It connects at the first request; `await store.open()` connects now.
 *
 * @example
 * app.use(session({ store: new RedisStore({ url: 'redis://127.0.0.1:6379' }), secret, resave: false, saveUninitialized: false }))
 * @throws DATABANK_INVALID_OPTION
 */
export class RedisStore extends DatabankStore {
  constructor(options: RedisStoreOptions = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: (context) => new RedisBank(bankOptions, context) })
  }
}

/**
 * Makes the bank of a URL, without connecting: `redis://…`, `rediss://…`, `valkey://…`, `valkeys://…` or `unix://…`.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: RedisBankOptions = {}, context: BankContext = DEFAULT_CONTEXT): Bank {
  return new RedisBank({ url, ...options }, context)
}
