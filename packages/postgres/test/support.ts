// What the tests of this package share: one PostgreSQL server for a file, and a table of its own for each test.
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { type PostgresqlOptions, startPostgresql } from '../../../testing/servers/postgresql.js'
import { PostgresBank, type PostgresBankOptions } from '../src/index.ts'

export type Postgresql = Awaited<ReturnType<typeof startPostgresql>>

export const isMissing = server('postgresql').missing !== undefined

/** A server for all tests of the file. */
export function oneServer(options: PostgresqlOptions = {}): {
  readonly url: string
  readonly program: Postgresql['program']
  readonly port: number
} {
  let started: Postgresql | undefined
  beforeAll(async () => {
    if (!isMissing) started = await startPostgresql(options)
  })
  afterAll(() => started?.stop())
  return {
    get url() {
      return started!.url
    },
    get port() {
      return started!.port
    },
    get program() {
      return started!.program
    },
  }
}

/** Runs SQL as the administrator. Returns the rows of the last statement. */
export async function sql(url: string, ...statements: readonly string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    let rows: Record<string, unknown>[] = []
    for (const statement of statements) rows = (await client.query(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}

let tables = 0

/** The name of a table that no other test uses. */
export function newTable(): string {
  tables += 1
  return `test ${process.pid} "${tables}"`
}

/** Opens banks on one new table. `close` closes them; the table stays until the server's data are deleted, after the file. */
export function opened(url: string, options: PostgresBankOptions = {}) {
  const table = newTable()
  const banks: PostgresBank[] = []
  const another = async (): Promise<PostgresBank> => {
    const connection = options.pool === undefined && { url, maxConnections: 5 }
    const bank = new PostgresBank({ ...connection, table, ...options })
    banks.push(bank)
    return bank
  }
  const close = async (): Promise<void> => void (await Promise.all(banks.map((bank) => bank.close())))
  return { table, another, close }
}
