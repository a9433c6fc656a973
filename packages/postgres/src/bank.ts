import { SqlBank } from '@connect-databank/sql'
import { type BankContext, DEFAULT_CONTEXT } from 'connect-databank/backend'
import { PostgresConnection } from './connection.ts'
import { postgresDialect } from './dialect.ts'
import { checkBankOptions, type PostgresBankOptions } from './options.ts'

/** Sessions in a table of PostgreSQL. */
export class PostgresBank extends SqlBank {
  constructor(options: PostgresBankOptions = {}, context: BankContext = DEFAULT_CONTEXT) {
    checkBankOptions(options)
    const { url, pool, maxConnections, poolOptions, prepare, ...tableOptions } = options
    const connection = new PostgresConnection(options, context)
    super(
      {
        ...tableOptions,
        dialect: postgresDialect,
        execute: (text, parameters, timeout) => connection.execute(text, parameters, timeout),
        close: () => connection.close(),
      },
      context,
    )
  }
}
