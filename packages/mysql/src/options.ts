import { type TableOptions, tableRules } from '@connect-databank/sql'
import { checkOptions, invalidOption, type OptionRules, rules, urlWith, withMethods } from 'connect-databank/backend'
import type { Pool, PoolOptions } from 'mysql2'
import type { Pool as PromisePool } from 'mysql2/promise'

const mysqlUrl = urlWith(['mysql', 'mariadb'], 'mysql://user:password@host:3306/database')

/** The options of the bank. */
export interface MysqlBankOptions extends TableOptions {
  /** The server and the database: `mysql://user:password@host:port/database`, or `mariadb://…`. */
  url?: string
  /** The caller's own pool of `mysql2` or `mysql2/promise`, instead of `url`. The store never closes it. */
  pool?: Pool | PromisePool
  /** The most connections, with `url`. Default: 10. */
  maxConnections?: number
  /** Further options of the pool, with `url`, such as `{ ssl: { ca } }`. Default: `{}`. */
  poolOptions?: PoolOptions
}

const bankRules: OptionRules<MysqlBankOptions> = {
  ...tableRules,
  // The database has no default.
  url: { ...mysqlUrl, accepts: (value) => mysqlUrl.accepts(value) && new URL(value as string).pathname.length > 1 },
  pool: withMethods('a pool of mysql2', 'getConnection', 'execute'),
  maxConnections: rules.positiveInteger,
  poolOptions: rules.object,
}

/** @throws DATABANK_INVALID_OPTION */
export function checkBankOptions(options: MysqlBankOptions): void {
  checkOptions('MysqlBank', bankRules, options)
  if (options.pool === undefined) {
    if (options.url === undefined) throw invalidOption('MysqlBank: url or pool is missing')
    return
  }
  for (const name of ['url', 'maxConnections', 'poolOptions'] as const) {
    if (options[name] !== undefined) throw invalidOption(`MysqlBank: ${name} does nothing beside pool`)
  }
}
