import { DatabankStore, type StoreOptions } from 'connect-databank'
import { type Bank, type BankContext, coalesce, DEFAULT_CONTEXT, splitOptions } from 'connect-databank/backend'
import { MysqlBank } from './bank.ts'
import { mysqlDialect } from './dialect.ts'
import type { MysqlBankOptions } from './options.ts'

export { MysqlBank, type MysqlBankOptions, mysqlDialect }

/** The options of the bank and those of the store. */
export type MysqlStoreOptions = MysqlBankOptions & Omit<StoreOptions, 'bank'>

/**
 * Sessions in MySQL or MariaDB, for express-session. Takes the options of the bank and those of the store.
 *
 * @example
 * app.use(session({ store: new MysqlStore({ url: 'mysql://root@localhost/app' }), secret, resave: false, saveUninitialized: false }))
 */
export class MysqlStore extends DatabankStore {
  constructor(options: MysqlStoreOptions = {}) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: (context) => coalesce(new MysqlBank(bankOptions, context)) })
  }
}

/** Opens the bank that a URL names: `mysql://…` or `mariadb://…`. Connects on first use. */
export function openBank(url: string, options: MysqlBankOptions = {}, context: BankContext = DEFAULT_CONTEXT): Bank {
  return coalesce(new MysqlBank({ url, ...options }, context))
}
