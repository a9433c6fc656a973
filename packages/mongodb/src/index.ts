import { DatabankStore, type StoreOptions } from 'connect-databank'
import { type Bank, type BankContext, coalesce, DEFAULT_CONTEXT, splitOptions } from 'connect-databank/backend'
import { MongoBank } from './bank.ts'
import type { MongoBankOptions, MongoClientLike } from './options.ts'

export { MongoBank, type MongoBankOptions, type MongoClientLike }

/** The options of a `MongoStore`. All times are in milliseconds. */
export interface MongoStoreOptions extends MongoBankOptions, Omit<StoreOptions, 'bank'> {}

/**
 * A session store on MongoDB. It connects at the first request; `await store.open()` connects now.
 *
 * @example
 * app.use(session({ store: new MongoStore({ url: 'mongodb://127.0.0.1/app' }), secret, resave: false, saveUninitialized: false }))
 * @throws DATABANK_INVALID_OPTION
 */
export class MongoStore extends DatabankStore {
  constructor(options: MongoStoreOptions = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    // Reads and touches that arrive together are one command, because the driver's cost depends on commands, not on documents.
    super({ ...storeOptions, bank: (context) => coalesce(new MongoBank(bankOptions, context)) })
  }
}

/**
 * Makes the bank of a URL, without connecting: `mongodb://…` or `mongodb+srv://…`, with the database in it.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: MongoBankOptions = {}, context: BankContext = DEFAULT_CONTEXT): Bank {
  return coalesce(new MongoBank({ url, ...options }, context))
}
