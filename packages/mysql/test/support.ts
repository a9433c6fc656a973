// What the tests of this package share: servers of MariaDB and MySQL for a file, and a table of its own for each test.
import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startMariadb } from '../../../testing/servers/mariadb.js'
import { startMysql } from '../../../testing/servers/mysql.js'
import type { MysqlOptions } from '../../../testing/tools/mysql-server.js'
import { MysqlBank, type MysqlBankOptions } from '../src/index.ts'

export type Started = Awaited<ReturnType<typeof startMariadb>>

export interface Kind {
  readonly name: string
  readonly isMissing: boolean
  start(options?: MysqlOptions): Promise<Started>
}

export const mariadb: Kind = { name: 'MariaDB', isMissing: server('mariadb').missing !== undefined, start: startMariadb }
export const mysql: Kind = { name: 'MySQL', isMissing: server('mysql').missing !== undefined, start: startMysql }
export const kinds: readonly Kind[] = [mariadb, mysql]

/** A server for all tests of the file. */
export function oneServer({ isMissing, start }: Kind, options: MysqlOptions = {}): Pick<Started, 'url' | 'port' | 'program'> {
  let started: Started | undefined
  beforeAll(async () => {
    if (!isMissing) started = await start(options)
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

/** Runs SQL. Returns the rows of the last statement. */
export async function sql(url: string, ...statements: readonly string[]): Promise<Record<string, unknown>[]> {
  const connection = await createConnection({ uri: url, timezone: 'Z' })
  try {
    let rows: unknown
    for (const statement of statements) [rows] = await connection.query(statement)
    return rows as Record<string, unknown>[]
  } finally {
    await connection.end()
  }
}

let tables = 0

/** The name of a table that no other test uses. */
export function newTable(): string {
  tables += 1
  return `test ${process.pid} ${'`'}${tables}`
}

export function quote(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``')}\``
}

/** Opens banks on one new table. `close` closes them; the table stays until the server's data are deleted, after the file. */
export function opened(url: string, options: MysqlBankOptions = {}) {
  const table = newTable()
  const banks: MysqlBank[] = []
  const another = async (): Promise<MysqlBank> => {
    const bank = new MysqlBank({ url, table, maxConnections: 5, ...options })
    banks.push(bank)
    return bank
  }
  const close = async (): Promise<void> => void (await Promise.all(banks.map((bank) => bank.close())))
  return { table, another, close }
}
