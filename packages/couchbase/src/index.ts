import { DatabankStore, type StoreOptions } from 'connect-databank'
import { type Bank, type BankContext, DEFAULT_CONTEXT, splitOptions } from 'connect-databank/backend'
import { CouchbaseBank } from './bank.ts'
import type { CouchbaseBankOptions, CouchbaseCluster, CouchbaseCollection } from './options.ts'

export { CouchbaseBank, type CouchbaseBankOptions, type CouchbaseCluster, type CouchbaseCollection }

/** The options of a `CouchbaseStore`. All times are in milliseconds. */
export interface CouchbaseStoreOptions extends CouchbaseBankOptions, Omit<StoreOptions, 'bank'> {}

/**
 * A session store on Couchbase. It connects at the first request; `await store.open()` connects now.
 *
 * @example
 * const store = new CouchbaseStore({ url: 'couchbase://127.0.0.1', username, password, bucket: 'sessions' })
 * app.use(session({ store, secret, resave: false, saveUninitialized: false }))
 * @throws DATABANK_INVALID_OPTION
 */
export class CouchbaseStore extends DatabankStore {
  constructor(options: CouchbaseStoreOptions = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: (context) => new CouchbaseBank(bankOptions, context) })
  }
}

/**
 * Makes the bank of a URL, without connecting: `couchbase://user:password@host/bucket/scope/collection`, or `couchbases://…` for TLS.
 * Missing parts have their defaults. The query (`?…`) goes to the SDK.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: CouchbaseBankOptions = {}, context: BankContext = DEFAULT_CONTEXT): Bank {
  return new CouchbaseBank({ url, ...options }, context)
}
