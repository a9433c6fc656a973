import { type Bank, DatabankStore, type StoreOptions, splitOptions } from 'connect-databank'
import { CouchbaseBank } from './bank.ts'
import type { CouchbaseBankOptions } from './options.ts'

export type { CouchbaseCluster, CouchbaseCollection } from './client.ts'
export { CouchbaseBank, type CouchbaseBankOptions }

/**
 * A session store for Express in Couchbase.
 *
 * @example
 * const store = new CouchbaseStore({ url: 'couchbase://127.0.0.1', username, password, bucket: 'sessions' })
 * app.use(session({ store, secret, resave: false, saveUninitialized: false }))
 */
export class CouchbaseStore extends DatabankStore {
  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: CouchbaseBankOptions & Omit<StoreOptions, 'bank'> = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: new CouchbaseBank(bankOptions) })
  }
}

/**
 * The bank that a URL names: `couchbase://user:password@host/bucket/scope/collection`, or `couchbases://…` for TLS. What it does
 * not name has its default. What stands behind `?` goes to the SDK.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: CouchbaseBankOptions = {}): Bank {
  return new CouchbaseBank({ url, ...options })
}
