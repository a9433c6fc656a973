// The dialect, over a client that the application has.
import { bankConformance } from '@connect-databank/conformance'
import { type Execute, SqlBank, SqlStore } from '@connect-databank/sql'
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

  it('knows the errors of SQLite where a query builder has wrapped them', async () => {
    const { execute, close } = executeOn(':memory:')
    const wrapping: Execute = (text, parameters) =>
      execute(text, parameters).catch((cause: unknown) => Promise.reject(new Error(`Failed query: ${text}`, { cause })))
    const bank = new SqlBank({ dialect: sqliteDialect, execute: wrapping, close })
    await bank.save('a', { payload: '{}', expires: null })
    await execute('pragma query_only = on', [])
    await expect(bank.save('a', { payload: '{}', expires: null })).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
    await bank.close()
  })

  it('works on the table of another store', async () => {
    const store = new SqlStore({ dialect: sqliteDialect, layout: 'connect-session-knex', ...executeOn(':memory:') })
    await store.set('a', newSession({ user: 'Ada' }))
    expect(await store.get('a')).toMatchObject({ user: 'Ada' })
    await store.close()
  })
})
