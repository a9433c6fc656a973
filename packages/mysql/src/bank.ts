import { SqlBank } from '@connect-databank/sql'
import { type BankContext, DEFAULT_CONTEXT } from 'connect-databank/backend'
import { MysqlConnection } from './connection.ts'
import { mysqlDialect } from './dialect.ts'
import { checkBankOptions, type MysqlBankOptions } from './options.ts'

/** Sessions in a table of MySQL or MariaDB. */
export class MysqlBank extends SqlBank {
  constructor(options: MysqlBankOptions = {}, context: BankContext = DEFAULT_CONTEXT) {
    checkBankOptions(options)
    const { url, pool, maxConnections, poolOptions, ...tableOptions } = options
    const connection = new MysqlConnection(options, context)
    super(
      {
        ...tableOptions,
        dialect: mysqlDialect,
        execute: (text, parameters, timeout) => connection.execute(text, parameters, timeout),
        close: () => connection.close(),
      },
      context,
    )
  }
}
