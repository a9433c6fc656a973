import { SqlBank } from '@connect-databank/sql'
import { type BankContext, DEFAULT_CONTEXT } from 'connect-databank/backend'
import { SqliteConnection } from './connection.ts'
import { sqliteDialect } from './dialect.ts'
import { checkBankOptions, type SqliteBankOptions } from './options.ts'

/** Sessions in a table of a SQLite database. */
export class SqliteBank extends SqlBank {
  readonly #connection: SqliteConnection

  constructor(options: SqliteBankOptions, context: BankContext = DEFAULT_CONTEXT) {
    checkBankOptions(options)
    const { path, durable, engine, ...tableOptions } = options
    const connection = new SqliteConnection(options, context)
    super(
      {
        ...tableOptions,
        dialect: sqliteDialect,
        execute: (text, parameters, timeout) => connection.execute(text, parameters, timeout),
      },
      context,
    )
    this.#connection = connection
  }

  override async close(): Promise<void> {
    await super.close()
    await this.#connection.close()
  }
}
