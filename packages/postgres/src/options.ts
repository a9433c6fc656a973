import { type TableOptions, tableRules } from '@connect-databank/sql'
import { checkOptions, invalidOption, type OptionRules, rules, withMethods } from 'connect-databank/backend'

const isPostgresUrl = (value: unknown): boolean =>
  typeof value === 'string' && /^postgres(ql)?:/.test(value) && URL.canParse(value)

/** A `pg.Pool`, by its structure: pg has its types in a package of their own, which users need not have. */
export interface PostgresPool {
  connect(...parameters: never[]): unknown
  query(...parameters: never[]): unknown
}

/** The options of the bank. */
export interface PostgresBankOptions extends TableOptions {
  /** The server: `postgres://user:password@host:port/database`. Default: what the environment variables of PostgreSQL name. */
  url?: string
  /** A `pg.Pool` of yours, instead of `url`. It is never closed. */
  pool?: PostgresPool
  /** How many connections there may be, with `url`. Default: 10. */
  maxConnections?: number
  /** More for the `pg.Pool` that `url` makes, such as `{ ssl: { ca } }`. Default: `{}`. */
  poolOptions?: object
  /**
   * Whether statements are prepared on each connection. Default: true, until a pooler between us and the server turns out to
   * lend connections for one transaction only.
   */
  prepare?: boolean
}

const bankRules: OptionRules<PostgresBankOptions> = {
  ...tableRules,
  url: { expected: 'a URL such as postgres://user:password@host:5432/database', accepts: isPostgresUrl },
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
