import { DatabankStore, type StoreOptions } from 'connect-databank'
import { coalesce, splitOptions } from 'connect-databank/backend'
import { SqlBank } from './bank.ts'
import type { SqlBankOptions } from './options.ts'

export type { Dialect, Execute, Result, Statement, Table, Values } from './dialect.ts'
export { p } from './dialect.ts'
export { causesOf } from './errors.ts'
export * from './layouts.ts'
export { type TableOptions, tableRules } from './options.ts'
export { textOf } from './records.ts'
export { equals, insertRow, isExpired, isLive, onConflict, quoted, replaced, updatedTimestamps, write } from './statements.ts'
export { escapedText, fromJsonText, noNul, toJsonText } from './text.ts'
export { SqlBank, type SqlBankOptions }

/**
 * Sessions in a SQL database, over the application's own client or query builder. Takes the options of `SqlBank` and those of the store.
 *
 * @example
 * const execute = async (text, parameters) => {
 *   const { rows, rowCount } = await pool.query(text, parameters)
 *   return { rows, count: rowCount }
 * }
 * app.use(session({ store: new SqlStore({ dialect: postgresDialect, execute }), secret, resave: false, saveUninitialized: false }))
 */
export class SqlStore extends DatabankStore {
  constructor(options: SqlBankOptions & Omit<StoreOptions, 'bank'>) {
    const { storeOptions, bankOptions } = splitOptions(options)
    super({ ...storeOptions, bank: (context) => coalesce(new SqlBank(bankOptions as SqlBankOptions, context)) })
  }
}
