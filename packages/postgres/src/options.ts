import { type TableOptions, tableRules } from '@connect-databank/sql'
import { checkOptions, invalidOption, type OptionRules, rules, urlWith, withMethods } from 'connect-databank/backend'

/** A `pg.Pool`, by its structure: pg's types are in a separate package, which users may not have. */
export interface PostgresPool {
  connect(...parameters: never[]): unknown
  query(...parameters: never[]): unknown
}

/** The options of the bank. */
export interface PostgresBankOptions extends TableOptions {
  /** The server: `postgres://user:password@host:port/database`. Default: the environment variables of PostgreSQL. */
  url?: string
  /** The caller's own `pg.Pool`, instead of `url`. The store never closes it. */
  pool?: PostgresPool
  /** The most connections, with `url`. Default: 10. */
  maxConnections?: number
  /** Further options of the `pg.Pool`, with `url`, such as `{ ssl: { ca } }`. Default: `{}`. */
  poolOptions?: object
  /**
   * Whether statements are prepared on each connection. Default: true, until the store detects a pooler that gives each
   * transaction another connection.
   */
  prepare?: boolean
}

const bankRules: OptionRules<PostgresBankOptions> = {
  ...tableRules,
  url: urlWith(['postgres', 'postgresql'], 'postgres://user:password@host:5432/database'),
  pool: withMethods('a Pool of pg', 'connect', 'query'),
  maxConnections: rules.positiveInteger,
  poolOptions: rules.object,
  prepare: rules.boolean,
}

/** @throws DATABANK_INVALID_OPTION */
export function checkBankOptions(options: PostgresBankOptions): void {
  checkOptions('PostgresBank', bankRules, options)
  if (options.pool === undefined) return
  for (const name of ['url', 'maxConnections', 'poolOptions'] as const) {
    if (options[name] !== undefined) throw invalidOption(`PostgresBank: ${name} does nothing beside pool`)
  }
}
