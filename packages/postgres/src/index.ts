import { DatabankStore, type StoreOptions } from 'connect-databank'
import { type Bank, type BankContext, coalesce, DEFAULT_CONTEXT, splitOptions } from 'connect-databank/backend'
import { PostgresBank } from './bank.ts'
import { postgresDialect } from './dialect.ts'
import type { PostgresBankOptions, PostgresPool } from './options.ts'

export { PostgresBank, type PostgresBankOptions, type PostgresPool, postgresDialect }

/** The options of the bank and those of the store. */
export type PostgresStoreOptions = PostgresBankOptions & Omit<StoreOptions, 'bank'>

/**
 * Sessions in PostgreSQL, for express-session. Takes the options of the bank and those of the store.
 *
 * @example
 * app.use(session({ store: new PostgresStore({ url: 'postgres://localhost/app' }), secret, resave: false, saveUninitialized: false }))
 */
export class PostgresStore extends DatabankStore {
  constructor(options: PostgresStoreOptions = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: (context) => coalesce(new PostgresBank(bankOptions, context)) })
  }
}

/** Opens the bank that a URL names: `postgres://…` or `postgresql://…`. Connects on first use. */
export function openBank(url: string, options: PostgresBankOptions = {}, context: BankContext = DEFAULT_CONTEXT): Bank {
  return coalesce(new PostgresBank({ url, ...options }, context))
}
