// The dialect, over a client that the application has.
import { bankConformance } from '@connect-databank/conformance'
import { SqlBank, SqlStore } from '@connect-databank/sql'
import { describe, expect, it } from 'vitest'
import { newSession } from '../../../testing/requests.ts'
import { sqliteDialect } from '../src/index.ts'
import { BetterSqlite3 } from './fixtures/better-sqlite3.ts'

function executeOn(path: string) {
  const database = new BetterSqlite3(path)
  const execute = async (text: string, parameters: readonly unknown[]) => {
    const statement = database.prepare(text)
    if (statement.reader) return { rows: statement.all(...parameters) as Record<string, unknown>[], count: 0 }
    return { rows: [], count: statement.run(...parameters).changes }
  }
  return { execute, close: async () => void database.close() }
}

describe('a SqlBank on the dialect of SQLite', () => {
  bankConformance(
    { describe, it },
    {
      open: async () => {
        const bank = new SqlBank({ dialect: sqliteDialect, ...executeOn(':memory:') })
        return { bank, close: () => bank.close() }
      },
    },
  )

  it('works on the table of another store', async () => {
    const store = new SqlStore({ dialect: sqliteDialect, layout: 'connect-session-knex', ...executeOn(':memory:') })
    await store.set('a', newSession({ user: 'Ada' }))
    expect(await store.get('a')).toMatchObject({ user: 'Ada' })
    await store.close()
  })
})
