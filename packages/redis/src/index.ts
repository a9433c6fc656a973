import { type Bank, coalesce, DatabankStore, type StoreOptions, splitOptions } from 'connect-databank'
import { RedisBank } from './bank.ts'
import type { RedisBankOptions } from './options.ts'

export type { RedisClient } from './client.ts'
export { RedisBank, type RedisBankOptions }

/**
 * Sessions in Redis or Valkey, for express-session. Takes the options of the bank and of the store.
 *
 * @example
 * app.use(session({ store: new RedisStore({ url: 'redis://127.0.0.1:6379' }), secret, resave: false, saveUninitialized: false }))
 */
export class RedisStore extends DatabankStore {
  constructor(options: RedisBankOptions & Omit<StoreOptions, 'bank'> = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: coalesce(new RedisBank(bankOptions)) })
  }
}

/** Opens the bank that a URL names: `redis://…`, or `rediss://…` for TLS. Connects on first use. */
export function openBank(url: string, options: RedisBankOptions = {}): Bank {
  return coalesce(new RedisBank({ url, ...options }))
}
