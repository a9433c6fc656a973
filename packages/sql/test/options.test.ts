import { postgresDialect } from '@connect-databank/postgres'
import { describe, expect, it } from 'vitest'
import { type Execute, SqlBank, type SqlBankOptions, SqlStore } from '../src/index.ts'

const execute: Execute = async () => ({ rows: [], count: 0 })

/** The message about options that are refused. */
function refusalOf(options: object): string {
  try {
    new SqlStore(options as SqlBankOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ code: 'DATABANK_INVALID_OPTION' })
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

describe('the options', () => {
  it('are checked', () => {
    expect(refusalOf({ execute })).toContain('dialect is missing; expected a dialect, such as postgresDialect')
    expect(refusalOf({ dialect: postgresDialect })).toContain('execute is missing; expected a function')
    expect(refusalOf({ dialect: 'postgres', execute })).toContain('dialect must be a dialect')
    expect(refusalOf({ dialect: postgresDialect, execute: undefined })).toContain('execute must be a function, got undefined')
    expect(refusalOf({ dialect: postgresDialect, execute, scheme: 'x' })).toContain('did you mean schema?')
    expect(refusalOf({ dialect: postgresDialect, execute, table: 'a\nb' })).toContain('table must be a name')
    expect(refusalOf({ dialect: postgresDialect, execute, layout: 'connect-sqlite3' })).toContain('PostgreSQL has no layout')
  })

  it('of the store go to the store', async () => {
    const store = new SqlStore({ dialect: postgresDialect, execute, ttl: 60_000, touchAfter: 1_000 })
    await store.close()
  })

  it('may name a function that closes the client: it is called once, when the bank closes after use', async () => {
    let closed = 0
    const close = async (): Promise<void> => {
      closed += 1
    }
    const bank = new SqlBank({ dialect: postgresDialect, execute, close })
    await bank.open()
    await Promise.all([bank.close(), bank.close()])
    expect(closed).toBe(1)
    await expect(bank.read('a')).rejects.toMatchObject({
      code: 'DATABANK_CLOSED',
      message: expect.stringContaining('PostgreSQLBank'),
    })
  })
})
