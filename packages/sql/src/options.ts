import { checkOptions, invalidOption, type OptionRule, oneOf, rules } from 'connect-databank/backend'
import type { Dialect, Execute, Table } from './dialect.ts'
import { type LayoutName, PEER_LAYOUTS } from './layouts.ts'

/** The options for the table of sessions, the same for every database. */
export interface TableOptions {
  /** The table's name. Default: `databank_sessions`; with `layout`, the table name of the other store. */
  table?: string
  /** The schema or database of the table. Default: that of the connection. */
  schema?: string
  /** Another store, whose existing table is used. Default: none, a table of its own. */
  layout?: LayoutName
  /** Whether the table is created on first use if it is missing. Default: true. */
  createTable?: boolean
  /** The most operations under way at once; more fail with `DATABANK_UNAVAILABLE`. Default: 10,000. */
  maxPending?: number
}

export interface SqlBankOptions extends TableOptions {
  /** The database's dialect, such as `postgresDialect` of `@connect-databank/postgres`. */
  dialect: Dialect
  /** Runs one statement, outside a transaction. */
  execute: Execute
  /** Closes the client of `execute` when the bank is closed. Omit it for a client that stays open. */
  close?: () => Promise<void>
}

const isName = (value: unknown): boolean => typeof value === 'string' && /^[^\p{Cc}]+$/u.test(value)
const nameRule: OptionRule = { expected: 'a name without control characters', accepts: isName }

/** The rules of `TableOptions`, for the packages that take them. */
export const tableRules = {
  table: nameRule,
  schema: nameRule,
  layout: oneOf(...PEER_LAYOUTS),
  createTable: rules.boolean,
  maxPending: rules.positiveInteger,
} satisfies Record<keyof TableOptions, OptionRule>

const sqlRules: Record<keyof SqlBankOptions, OptionRule> = {
  ...tableRules,
  dialect: { expected: 'a dialect, such as postgresDialect of @connect-databank/postgres', accepts: isDialect },
  execute: rules.function,
  close: rules.function,
}

function isDialect(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'placeholder' in value && 'own' in value
}

/** @throws DATABANK_INVALID_OPTION */
export function checkSqlOptions(options: SqlBankOptions): void {
  checkOptions('SqlBank', sqlRules, options, { needed: ['dialect', 'execute'] })
  for (const name of ['dialect', 'execute'] as const) {
    if (options[name] === undefined) throw invalidOption(`SqlBank: ${name} is missing; expected ${sqlRules[name].expected}`)
  }
}

/**
 * The table that the options name.
 *
 * @throws DATABANK_INVALID_OPTION if the database has no such layout
 */
export function tableOf(dialect: Dialect, { table, schema, layout: peer }: TableOptions): Table {
  const layout = peer === undefined ? dialect.own : dialect.layouts[peer]
  if (layout === undefined) {
    throw invalidOption(`${dialect.name} has no layout '${peer}'; it has ${Object.keys(dialect.layouts).join(', ')}`)
  }
  const name = table ?? layout.table
  const quote = (identifier: string): string => dialect.quote(identifier)
  if (schema === undefined) return { layout, name, quote, quoted: quote(name) }
  return { layout, name, schema, quote, quoted: `${quote(schema)}.${quote(name)}` }
}
