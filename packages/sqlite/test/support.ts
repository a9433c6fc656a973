// What the tests of this package share: a folder for a test, and banks on one file in it.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from '../../../testing/bundle.js'
import { scratchFolder } from '../../../testing/program.js'
import { SqliteBank, type SqliteBankOptions } from '../src/index.ts'
import { BetterSqlite3 } from './fixtures/better-sqlite3.ts'

export const HOUR = 3_600_000

export const entry = (payload = '{"cookie":{}}') => ({ payload, expires: Date.now() + HOUR })

/** Opens banks on one new file; `close` closes them and removes it. */
export async function opened(options: Partial<SqliteBankOptions> = {}) {
  const folder = await scratchFolder()
  const path = join(folder.path, 'sessions.db')
  const banks: SqliteBank[] = []
  const another = async (more: Partial<SqliteBankOptions> = {}): Promise<SqliteBank> => {
    const bank = new SqliteBank({ path, ...options, ...more })
    banks.push(bank)
    return bank
  }
  const close = async (): Promise<void> => {
    await Promise.all(banks.map((bank) => bank.close()))
    await folder.remove()
  }
  return { path, another, close }
}

/** Runs SQL on the file, as another program would. Returns the rows. */
export function sql(path: string, text: string, ...parameters: unknown[]): Record<string, unknown>[] {
  const database = new BetterSqlite3(path)
  try {
    const statement = database.prepare(text)
    if (statement.reader) return statement.all(...parameters) as Record<string, unknown>[]
    statement.run(...parameters)
    return []
  } finally {
    database.close()
  }
}

/** The programs of the tests as JavaScript, since child processes know no TypeScript. */
export function bundlePrograms(): ReturnType<typeof bundle> {
  const folder = join(import.meta.dirname, 'programs')
  return bundle(Object.fromEntries(readdirSync(folder).map((file) => [file.replace('.ts', ''), join(folder, file)])))
}
