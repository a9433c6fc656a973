import { createPool } from 'mysql2'
import { describe, expect, it } from 'vitest'
import { MysqlBank, type MysqlBankOptions, MysqlStore, openBank } from '../src/index.ts'

const URL = 'mysql://root@127.0.0.1:1/app'

/** The message about an option that is refused. */
function refusalOf(options: object): string {
  try {
    new MysqlStore(options as MysqlBankOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ code: 'DATABANK_INVALID_OPTION' })
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

describe('the options', () => {
  it('are checked, without I/O', () => {
    expect(refusalOf({})).toContain('url or pool is missing')
    expect(refusalOf({ url: 'redis://127.0.0.1/app' })).toContain('url must be a URL such as mysql://')
    expect(refusalOf({ url: 'mysql://127.0.0.1' })).toContain('url must be a URL such as mysql://')
    expect(refusalOf({ url: 'mysql://user:100%@127.0.0.1/app' })).toContain('special characters percent-encoded')
    expect(refusalOf({ pool: {} })).toContain('pool must be a pool of mysql2')
    expect(refusalOf({ pool: undefined })).toContain('pool must be a pool of mysql2')
    expect(refusalOf({ url: URL, tabel: 'x' })).toContain('did you mean table?')
    expect(refusalOf({ url: URL, maxConnections: 0 })).toContain('maxConnections must be')
    expect(refusalOf({ url: URL, layout: 'connect-pg-simple' })).toContain('it has express-mysql-session')
  })

  it('beside a pool that would do nothing are refused', async () => {
    const pool = createPool(URL)
    for (const options of [{ url: URL }, { maxConnections: 3 }, { poolOptions: {} }]) {
      expect(refusalOf({ pool, ...options })).toContain('beside pool')
    }
    await pool.promise().end()
  })

  it('of express-mysql-session that are called otherwise here are refused with what to write', () => {
    expect(refusalOf({ url: URL, createDatabaseTable: true })).toContain('use createTable')
    expect(refusalOf({ url: URL, checkExpirationInterval: 60 })).toContain('cleanupInterval')
    expect(refusalOf({ url: URL, expiration: 60 })).toContain('use ttl')
    expect(refusalOf({ url: URL, disableTouch: true })).toContain('touchAfter')
  })

  it('that are right make a store and a bank that do nothing until they are used', async () => {
    const store = new MysqlStore({ url: URL })
    await store.close()
    const bank = openBank(URL.replace('mysql:', 'mariadb:'), { table: 'x', schema: 'y' })
    await bank.close?.()
    await expect(bank.read('a')).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
    expect(new MysqlBank({ url: URL })).toBeInstanceOf(MysqlBank)
  })
})
