import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { openBank, PostgresBank, type PostgresBankOptions, PostgresStore } from '../src/index.ts'

/** The message about an option that is refused. */
function refusalOf(options: object): string {
  try {
    new PostgresStore(options as PostgresBankOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ code: 'DATABANK_INVALID_OPTION' })
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

describe('the options', () => {
  it('are checked, without I/O', () => {
    expect(refusalOf({ url: 'redis://127.0.0.1' })).toContain('url must be a URL such as postgres://')
    expect(refusalOf({ url: 'postgres://user:100%@127.0.0.1' })).toContain('special characters percent-encoded')
    expect(refusalOf({ url: 'postgres://[' })).toContain('url must be a URL')
    expect(refusalOf({ pool: {} })).toContain('pool must be a Pool of pg')
    expect(refusalOf({ pool: undefined })).toContain('pool must be a Pool of pg')
    expect(refusalOf({ tabel: 'x' })).toContain('did you mean table?')
    expect(refusalOf({ table: '' })).toContain('table must be a name')
    expect(refusalOf({ table: 'a\0' })).toContain('table must be a name')
    expect(refusalOf({ createTable: 1 })).toContain('createTable must be true or false')
    expect(refusalOf({ maxConnections: 0 })).toContain('maxConnections must be')
    expect(refusalOf({ layout: 'connect-redis' })).toContain('layout must be one of "connect-pg-simple"')
    expect(refusalOf({ layout: 'express-mysql-session' })).toContain('it has connect-pg-simple')
  })

  it('beside a pool that would do nothing are refused', () => {
    const pool = new pg.Pool()
    for (const options of [{ url: 'postgres://127.0.0.1' }, { maxConnections: 3 }, { poolOptions: {} }]) {
      expect(refusalOf({ pool, ...options })).toContain('beside pool')
    }
  })

  it('of connect-pg-simple that are called otherwise here are refused with what to write', () => {
    expect(refusalOf({ tableName: 'session' })).toContain('use table')
    expect(refusalOf({ schemaName: 'app' })).toContain('use schema')
    expect(refusalOf({ conString: 'postgres://secret@h' })).toContain('use url')
    expect(refusalOf({ createTableIfMissing: true })).toContain('use createTable')
    expect(refusalOf({ pruneSessionInterval: 60 })).toContain('cleanupInterval')
    expect(refusalOf({ disableTouch: true })).toContain('touchAfter')
    expect(refusalOf({ errorLog: () => {} })).toContain('use log')
    expect(refusalOf({ conString: 'postgres://secret@h' })).not.toContain('secret')
  })

  it('that are right make a store and a bank that do nothing until they are used', async () => {
    const store = new PostgresStore()
    await store.close()
    const bank = openBank('postgres://127.0.0.1:1/none', { table: 'x', schema: 'y', prepare: false })
    await bank.close?.()
    await expect(bank.read('a')).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
    expect(new PostgresBank({ url: 'postgresql:///app' })).toBeInstanceOf(PostgresBank)
  })
})
