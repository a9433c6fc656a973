import { codeOfSystemError, DatabankError, isCoded } from 'connect-databank/backend'
import type { Dialect, Result, Table } from './dialect.ts'
import { columnsOf } from './layouts.ts'
import { selected } from './statements.ts'

type ExecuteText = (text: string) => Promise<Result>

/**
 * Finds the table, or creates it. Returns it with the layout that it has.
 *
 * @throws DATABANK_BACKEND_FAILED if there is no table and `createTable` is false, or the table has other columns
 */
export async function findTable(dialect: Dialect, execute: ExecuteText, table: Table, createTable: boolean): Promise<Table> {
  if (!(await exists(dialect, execute, table))) await create(dialect, execute, table, createTable)
  const select = async (text: string): Promise<readonly (readonly unknown[])[]> => {
    const { rows } = await execute(text)
    return rows.map((row) => Object.values(row))
  }
  const layout = await table.layout.adapt?.(table, select)
  return layout === undefined ? table : { ...table, layout }
}

async function exists(dialect: Dialect, execute: ExecuteText, table: Table): Promise<boolean> {
  try {
    await execute(`select ${selected(table, columnsOf(table.layout))} from ${table.quoted} where 1 = 0`)
    return true
  } catch (error) {
    if (typeof error !== 'object' || error === null) throw error
    if (dialect.isMissingTable(error)) return false
    if (isCoded(error) || (dialect.codeOf(error) ?? codeOfSystemError(error)) !== undefined) throw error
    const message = `${dialect.name}: the table ${table.quoted} cannot be used: ${String(error)}`
    throw new DatabankError('DATABANK_BACKEND_FAILED', message, { cause: error })
  }
}

async function create(dialect: Dialect, execute: ExecuteText, table: Table, mayCreate: boolean): Promise<void> {
  if (!mayCreate) {
    const message = `${dialect.name}: the table ${table.quoted} does not exist, and createTable is false`
    throw new DatabankError('DATABANK_BACKEND_FAILED', message)
  }
  try {
    for (const text of table.layout.create(table)) await execute(text)
  } catch (error) {
    // Another process may have created it in the meantime.
    if (!(await exists(dialect, execute, table).catch(() => false))) throw error
  }
}

/** The database's time, in epoch milliseconds, by the dialect's statement; NaN if it does not tell. */
export async function timeOf(clock: string, execute: ExecuteText): Promise<number> {
  const { rows } = await execute(clock)
  return rows[0] === undefined ? Number.NaN : Number(Object.values(rows[0])[0])
}
