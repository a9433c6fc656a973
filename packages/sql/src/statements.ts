import { compile, type Dialect, p, type Statement, type Table } from './dialect.ts'
import { type ColumnSql, columnsOf, type ExpiresColumn, type Field } from './layouts.ts'

/** The SQL that makes the column's value of a parameter. */
export function write(column: ColumnSql, parameter: string): string {
  return column.write?.(parameter) ?? parameter
}

/** The column, quoted; qualified by a table if several tables have it. */
export function quoted(table: Table, column: { readonly name: string }, of?: string): string {
  const name = table.quote(column.name)
  return of === undefined ? name : `${of}.${name}`
}

/** The columns of a `select`, named as the fields are: clients that return objects find them by these names. */
export function selected(table: Table, fields: readonly (readonly [Field, ColumnSql])[]): string {
  const named = fields.map(([field, column]) => {
    const name = quoted(table, column)
    return `${column.read?.(name) ?? name} as ${field}`
  })
  return named.join(', ')
}

export function equals(table: Table, column: ColumnSql, parameter: string): string {
  const name = quoted(table, column)
  return column.equals?.(name, parameter) ?? `${name} = ${write(column, parameter)}`
}

/** True if the row is unexpired at `now`. */
export function isLive(table: Table, of?: string): string {
  const column: ExpiresColumn = table.layout.expires
  const name = quoted(table, column, of)
  return column.isLive?.(name, p.now) ?? `(${name} is null or ${name} > ${write(column, p.now)})`
}

/** True if the row has expired at `now`. */
export function isExpired(table: Table, of?: string): string {
  const column: ExpiresColumn = table.layout.expires
  const name = quoted(table, column, of)
  return column.isExpired?.(name, p.now) ?? `${name} <= ${write(column, p.now)}`
}

/** `insert into … values …`: the whole row. */
export function insertRow(table: Table): string {
  const columns = columnsOf(table.layout)
  const timestamps = table.layout.timestamps ?? []
  const names = [...columns.map(([, column]) => column), ...timestamps].map((column) => quoted(table, column))
  const values = [...columns.map(([field, column]) => write(column, p[field])), ...timestamps.map(({ sql }) => sql)]
  return `insert into ${table.quoted} (${names.join(', ')}) values (${values.join(', ')})`
}

/** The columns that a write of an existing row replaces. */
export function replaced(table: Table): readonly string[] {
  const columns = columnsOf(table.layout).slice(1)
  const timestamps = (table.layout.timestamps ?? []).filter(({ isUpdated }) => isUpdated)
  return [...columns.map(([, column]) => column), ...timestamps].map((column) => quoted(table, column))
}

/** The upsert of PostgreSQL and SQLite. */
export function onConflict(table: Table, condition?: string): string {
  const sets = replaced(table).map((name) => `${name} = excluded.${name}`)
  const where = condition === undefined ? '' : ` where ${condition}`
  return `${insertRow(table)} on conflict (${quoted(table, table.layout.id)}) do update set ${sets.join(', ')}${where}`
}

/** `column = value` of the timestamps that each write sets. */
export function updatedTimestamps(table: Table): readonly string[] {
  const timestamps = (table.layout.timestamps ?? []).filter(({ isUpdated }) => isUpdated)
  return timestamps.map((column) => `${quoted(table, column)} = ${column.sql}`)
}

/** The statements of one table. */
export interface Statements {
  readonly read: Statement
  readonly readMany: Statement
  readonly save: Statement
  readonly insert: readonly Statement[]
  readonly swap: Statement
  readonly delete: Statement
  readonly touch: Statement
  readonly touchMany: Statement
  readonly scan: Statement
  readonly ids: Statement
  readonly idsOf: Statement | undefined
  readonly count: Statement
  readonly deleteMany: Statement
  readonly purge: Statement
}

export function statementsFor(dialect: Dialect, table: Table): Statements {
  const { layout, quoted: name } = table
  const { id, payload, expires, owner, version } = layout
  const row = `select ${selected(table, columnsOf(layout))} from ${name}`
  const idColumn = quoted(table, id)
  const hasId = equals(table, id, p.id)
  const isOneOf = dialect.isOneOf(idColumn, table)
  const page = `${idColumn} > ${write(id, p.after)} order by ${idColumn} limit ${p.limit}`
  const ids = `select ${selected(table, [['id', id]])} from ${name} where`
  const sets = columnsOf(layout)
    .slice(1)
    .map(([field, column]) => `${quoted(table, column)} = ${write(column, p[field])}`)
  const setsExpires = [`${quoted(table, expires)} = ${write(expires, p.expires)}`, ...updatedTimestamps(table)]
  const isExpected = equals(table, version ?? payload, p.expected)

  const sql = {
    read: `${row} where ${hasId}`,
    readMany: `${row} where ${isOneOf}`,
    save: dialect.save(table),
    swap: `update ${name} set ${[...sets, ...updatedTimestamps(table)].join(', ')} where ${hasId} and ${isExpected} and ${isLive(table)}`,
    delete: `delete from ${name} where ${hasId}`,
    touch: `update ${name} set ${setsExpires.join(', ')} where ${hasId} and ${isLive(table)}`,
    touchMany: dialect.touchMany(table),
    scan: `${row} where ${page}`,
    ids: `${ids} ${page}`,
    // As text: some clients convert numbers.
    count: `select cast(count(*) as char(20)) as count from ${name} where ${isLive(table)}`,
    deleteMany: dialect.deleteMany?.(table) ?? `delete from ${name} where ${isOneOf}`,
    purge: dialect.purge(table),
  }
  const compiled = Object.entries(sql).map(([key, text]) => [key, compile(text, dialect)] as const)
  return {
    ...(Object.fromEntries(compiled) as Record<keyof typeof sql, Statement>),
    insert: dialect.insert(table).map((text) => compile(text, dialect)),
    idsOf: owner && compile(`${ids} ${equals(table, owner, p.owner)} and ${isLive(table)} and ${page}`, dialect),
  }
}
