import { type Result, SqlBank, type Table } from '@connect-databank/sql'
import { type BankContext, DEFAULT_CONTEXT } from 'connect-databank/backend'
import { SqliteConnection } from './connection.ts'
import { sqliteDialect } from './dialect.ts'
import { checkBankOptions, type SqliteBankOptions } from './options.ts'
import { countLive, deleteExpired } from './ranges.ts'

/** How much of the store's `timeout` each statement of a count or a clean-up may wait for a lock: the store waits longer for these. */
const LONG = 6

/** Sessions in a table of a SQLite database. */
export class SqliteBank extends SqlBank {
  readonly #connection: SqliteConnection
  readonly #timeout: number
  readonly #isIndexed: boolean

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
    this.#timeout = context.timeout * LONG
    this.#isIndexed = options.layout === undefined
  }

  /** In steps, since a count of a million rows in one statement would block the event loop. */
  override count(now: number): Promise<number> {
    return countLive((sql, parameters) => this.#execute(sql, parameters), now, this.#isIndexed)
  }

  override purge(now: number): Promise<number> {
    if (this.#isIndexed) return super.purge(now)
    return deleteExpired((sql, parameters) => this.#execute(sql, parameters), now)
  }

  override async close(): Promise<void> {
    await super.close()
    await this.#connection.close()
  }

  #execute(sql: (table: Table) => string, parameters: readonly unknown[]): Promise<Result> {
    return this.run(({ table }) => this.#connection.execute(sql(table), parameters, this.#timeout))
  }
}
