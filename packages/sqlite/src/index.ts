import { DatabankStore, type StoreOptions } from 'connect-databank'
import { type Bank, type BankContext, DEFAULT_CONTEXT, splitOptions } from 'connect-databank/backend'
import { SqliteBank } from './bank.ts'
import { sqliteDialect } from './dialect.ts'
import { optionsOfUrl, type SqliteBankOptions } from './options.ts'

export { SqliteBank, type SqliteBankOptions, sqliteDialect }

export type SqliteStoreOptions = SqliteBankOptions & Omit<StoreOptions, 'bank'>

/**
 * Sessions in a SQLite file, for express-session. Takes the options of the bank and those of the store.
 *
 * @example
 * app.use(session({ store: new SqliteStore({ path: './sessions.db' }), secret, resave: false, saveUninitialized: false }))
 */
export class SqliteStore extends DatabankStore {
  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: SqliteStoreOptions) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: (context) => new SqliteBank(bankOptions as SqliteBankOptions, context) })
  }
}

/**
 * Opens the bank that a URL names: `sqlite:./sessions.db`, `sqlite:/var/lib/app/sessions.db` or `sqlite::memory:`, with options as
 * query parameters, such as `?durable=true`. `options` win over the URL. Connects on first use.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function openBank(url: string, options: Partial<SqliteBankOptions> = {}, context: BankContext = DEFAULT_CONTEXT): Bank {
  return new SqliteBank({ ...optionsOfUrl(url), ...options }, context)
}
