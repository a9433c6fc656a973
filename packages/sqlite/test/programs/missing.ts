// Opens a bank with each engine, and prints as JSON what came of it: `missing <path>`.
import { SqliteBank, type SqliteBankOptions } from '../../src/index.ts'

const path = process.argv[2]!
const seen: Record<string, string> = {}
for (const engine of [undefined, 'node:sqlite', 'better-sqlite3'] as const) {
  const options: SqliteBankOptions = { path, ...(engine && { engine }) }
  seen[engine ?? 'default'] = await new SqliteBank(options).open().then(
    () => 'opened',
    (error) => `${error.code}: ${error.message}`,
  )
}
console.log(JSON.stringify(seen))
process.exit()
