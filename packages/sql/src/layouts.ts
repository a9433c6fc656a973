/**
 * A layout describes a table: its columns, and the SQL that writes, reads and compares them. A dialect has one layout for the
 * table of its own, and one for each table of another store that it can use.
 */

/** A column, and the SQL that it is used with. */
export interface ColumnSql {
  /** As it is in the database; not quoted. */
  readonly name: string
  /** The SQL that makes the column's value of a parameter, such as `to_timestamp($1)`. Default: the parameter itself. */
  readonly write?: (parameter: string) => string
  /** The SQL that reads the quoted column, such as `sess::text`. Default: the column itself. */
  readonly read?: (column: string) => string
  /** The SQL that is true if the quoted column holds the parameter, byte by byte. Default: `column = write(parameter)`. */
  readonly equals?: (column: string, parameter: string) => string
}

/** A column, and how a value gets into it and out of it. */
export interface Column<Value> extends ColumnSql {
  /** The value of the parameter for the client. Default: the value itself. */
  readonly toParameter?: (value: Value) => unknown
  /** The value of a cell that the client returned, never null here. Default: the text, a Buffer as UTF-8. */
  readonly fromCell?: (cell: unknown) => Value
}

export interface IdColumn extends Column<string> {
  /**
   * Whether the column can hold this id and distinguish it from all others. Otherwise the id counts as missing, and a write fails with
   * `DATABANK_INVALID_ID`. Default: it holds every id.
   */
  readonly holds?: (id: string) => boolean
  /** The SQL that gives a text the column's character set and collation, so that an index finds it. Default: the text itself. */
  readonly convert?: (text: string) => string
}

/** The session's text. A nullable column reads null as '', which is not a session. */
export interface PayloadColumn extends Column<string> {
  /**
   * The payload's version in a table without a column for it. If the column changes the text (the order of the keys, the spaces), equal
   * values must have equal versions. Default: the payload.
   */
  readonly toVersion?: (payload: string) => string
}

/** Milliseconds since the epoch; null: never. A column of coarser units rounds up, so that nothing expires early. */
export interface ExpiresColumn extends Column<number | null> {
  /** The parameter for the present time. A column of coarser units rounds down. Default: the milliseconds. */
  readonly nowToParameter?: (now: number) => unknown
  /** The SQL that is true if the entry is unexpired at `now`. Default: `(column is null or column > write(now))`. */
  readonly isLive?: (column: string, now: string) => string
  /** The SQL that is true if the entry has expired at `now`; an index must be able to answer it. Default: `column <= write(now)`. */
  readonly isExpired?: (column: string, now: string) => string
}

/** A column that peers fill with the time of the write. */
export interface TimestampColumn {
  readonly name: string
  /** The SQL of the present time. */
  readonly sql: string
  /** Whether each write and touch sets it; else only the first write does. */
  readonly isUpdated: boolean
}

export interface Layout {
  /** The table's name without the option `table`. */
  readonly table: string
  readonly id: IdColumn
  readonly payload: PayloadColumn
  readonly expires: ExpiresColumn
  /** Absent: the table has no owners, and the bank no `idsOf`. */
  readonly owner?: Column<string>
  /** A new random whole number at each write. Absent: the version is that of the payload, and `payload.equals` compares it. */
  readonly version?: Column<number>
  readonly timestamps?: readonly TimestampColumn[]
  /** The statements that create the table and its indexes. */
  create(table: TableName): readonly string[]
  /** For a table with several forms: returns the layout of the existing one. Called when the bank connects. */
  readonly adapt?: (table: TableName, select: (text: string) => Promise<readonly (readonly unknown[])[]>) => Promise<Layout>
}

/** The names of the layouts of other stores. */
export const PEER_LAYOUTS = [
  'connect-pg-simple',
  'express-mysql-session',
  'connect-session-sequelize',
  'connect-session-knex',
  'connect-sqlite3',
  'better-sqlite3-session-store',
] as const

export type LayoutName = (typeof PEER_LAYOUTS)[number]

/** The names of a table and its schema. */
export interface TableName {
  /** The table, not quoted. */
  readonly name: string
  /** The schema that the option names, not quoted. Absent: the default of the connection. */
  readonly schema?: string
  /** The table with its schema, quoted. */
  readonly quoted: string
  quote(identifier: string): string
}

export type Field = 'id' | 'payload' | 'expires' | 'owner' | 'version'

const FIELDS: readonly Field[] = ['id', 'payload', 'expires', 'owner', 'version']

/** The columns of a layout that hold what an entry has, in the order in which statements read and write them, and `Records` expects them. */
export function columnsOf(layout: Layout): readonly (readonly [Field, ColumnSql])[] {
  return FIELDS.flatMap((field) => {
    const column = layout[field]
    return column === undefined ? [] : [[field, column] as const]
  })
}
