import type { ErrorCode, Touch } from 'connect-databank/backend'
import type { Layout, LayoutName, TableName } from './layouts.ts'

/** The result of a statement. */
export interface Result {
  /** The rows of a `select`: each an array in the order of the columns, or an object by the names of the columns. */
  readonly rows: readonly (readonly unknown[] | Readonly<Record<string, unknown>>)[]
  /** How many rows another statement inserted, matched or deleted. A row counts as matched even if an update did not change it. */
  readonly count: number
}

/**
 * Runs one statement outside a transaction. A statement that begins with `select` returns rows; every other one counts.
 * The texts of one bank are few and constant, so that they can be prepared. It rejects with the client's own error.
 *
 * @param timeout how long the bank waits for the answer, in milliseconds, for a client that can limit it
 */
export type Execute = (text: string, parameters: readonly unknown[], timeout: number) => Promise<Result>

/** The SQL of one database, for all layouts. */
export interface Dialect {
  /** The database's name in messages, such as `PostgreSQL`. */
  readonly name: string
  /** The name of the bank, such as `postgres`. */
  readonly backend: string
  /** The SQL that selects the server with its version as one text, such as `PostgreSQL 18.4`. */
  readonly server: string
  /** The table of its own. */
  readonly own: Layout
  /** The tables of other stores that this database may have. */
  readonly layouts: Readonly<Partial<Record<LayoutName, Layout>>>

  /** The placeholder of the parameter at this position, from 1: `$1`, `?`. A parameter is never used twice. */
  placeholder(position: number): string
  quote(identifier: string): string
  /** The SQL that asks the time in epoch milliseconds, where the database has a clock of its own. */
  readonly clock?: string
  /** How many rows one statement lists, touches or deletes at most. Default: 1,000. */
  readonly batch?: number

  /** Stores the row unconditionally. See `onConflict`. */
  save(table: Table): string
  /** Stores the row if there is no unexpired one. Several statements run in turn until one counts a row. See `onConflict`. */
  insert(table: Table): readonly string[]
  /** The SQL that is true if the expression is one of the parameter `ids`, as in `id = any($1)`. */
  isOneOf(expression: string, table: Table): string
  /** The value of the parameter `ids` for the client. */
  toList(ids: readonly string[], table: Table): unknown
  /** Changes the expiry of several rows, if they are unexpired at `now`, and locks them in the order of their ids. */
  touchMany(table: Table): string
  /** The values of the parameters of `touchMany`, beside `now`. No id is in `touches` twice. */
  touchValues(touches: readonly Touch[], table: Table): Values
  /** Deletes the rows with these `ids`, and locks them in the order of their ids. Default: `delete … where` `isOneOf`. */
  deleteMany?(table: Table): string
  /** Deletes at most `limit` rows that have expired at `now`, and never deadlocks with itself. */
  purge(table: Table): string

  /** The code of a database's error, or undefined for one that it does not know. */
  codeOf(error: object): ErrorCode | undefined
  /**
   * Whether the statement was rolled back and succeeds when it is run again: a serialization failure, a deadlock victim. Omit it if
   * there is no such error.
   */
  isTransient?(error: object): boolean
  isMissingTable(error: object): boolean
  /** Whether an `insert` found a row with the same id: then the next statement of `insert` runs. */
  isDuplicate?(error: object): boolean
}

/** A table that statements are made for. */
export interface Table extends TableName {
  readonly layout: Layout
}

/** Values of parameters by name. */
export type Values = Readonly<Partial<Record<ParameterName, unknown>>>

const PARAMETER_NAMES = [
  'id',
  'payload',
  'expires',
  'owner',
  'version',
  'expected',
  'now',
  'after',
  'limit',
  'ids',
  'times',
] as const

export type ParameterName = (typeof PARAMETER_NAMES)[number]

/** Surrounds a parameter's name until the statement is compiled. No name of a table holds a control character. */
const MARK = '\u0001'

/** The parameters in SQL that is not compiled yet, by name: `where id = ${p.id}`. */
export const p = Object.fromEntries(PARAMETER_NAMES.map((name) => [name, MARK + name + MARK])) as Readonly<
  Record<ParameterName, string>
>

/** A statement with its parameters in order. */
export interface Statement {
  readonly text: string
  readonly parameters: readonly ParameterName[]
}

/** Replaces each `p.name` with the dialect's placeholder. */
export function compile(sql: string, dialect: Dialect): Statement {
  const parameters: ParameterName[] = []
  const parts = sql.split(MARK).map((part, index) => {
    const isParameter = index % 2 === 1
    return isParameter ? dialect.placeholder(parameters.push(part as ParameterName)) : part
  })
  return { text: parts.join(''), parameters }
}
