// What the bank repeats, and how long.
import { postgresDialect } from '@connect-databank/postgres'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startPostgresql } from '../../../testing/servers/postgresql.js'
import { type Execute, SqlBank } from '../src/index.ts'

const entry = { payload: '{}', expires: null }

/** An error of the server, as pg has it. */
const errorOf = (code: string): Error => Object.assign(new Error('rolled back'), { code, severity: 'ERROR' })

describe.skipIf(server('postgresql').missing)('a statement', () => {
  let postgresql: Awaited<ReturnType<typeof startPostgresql>>
  let pool: pg.Pool
  beforeAll(async () => {
    postgresql = await startPostgresql()
    pool = new pg.Pool({ connectionString: postgresql.url })
  })
  afterAll(async () => {
    await pool?.end()
    await postgresql?.stop()
  })

  /** A bank whose writes fail as often as said, before they reach the server. */
  function failing(times: number, error: Error, timeout = 5_000) {
    let attempts = 0
    const execute: Execute = async (text, parameters) => {
      if (!text.startsWith('select') && !text.startsWith('do')) {
        attempts += 1
        if (attempts <= times) throw error
      }
      const { rows, rowCount } = await pool.query(text, [...parameters])
      return { rows, count: rowCount ?? 0 }
    }
    const bank = new SqlBank({ dialect: postgresDialect, execute }, { timeout, warn: () => {} })
    return { bank, attempts: () => attempts }
  }

  for (const state of ['40001', '40P01']) {
    it(`that was rolled back with ${state} is repeated`, async () => {
      const { bank, attempts } = failing(3, errorOf(state))
      await bank.save('a', entry)
      expect(attempts()).toBe(4)
      await bank.close()
    })

    it(`that is rolled back with ${state} again and again fails with a code, in time`, async () => {
      const { bank, attempts } = failing(Number.POSITIVE_INFINITY, errorOf(state), 600)
      const start = performance.now()
      await expect(bank.save('a', entry)).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
      expect(performance.now() - start).toBeLessThan(600)
      expect(attempts()).toBeGreaterThan(2)
      expect(attempts()).toBeLessThanOrEqual(20)
      await bank.close()
    })
  }

  it('that failed otherwise is not repeated: it may have happened', async () => {
    const errors = [
      Object.assign(new Error('cut'), { code: 'ECONNRESET' }),
      errorOf('57014'),
      new Error('Query read timeout'),
      'text',
    ]
    for (const error of errors) {
      const { bank, attempts } = failing(1, error as Error)
      await expect(bank.save('a', entry)).rejects.toMatchObject({ code: expect.stringMatching(/^DATABANK_/) })
      expect(attempts()).toBe(1)
      await bank.close()
    }
  })

  it('is repeated also if a query builder has wrapped the error', async () => {
    for (const name of ['cause', 'originalError', 'driverError', 'meta']) {
      const { bank, attempts } = failing(1, Object.assign(new Error('wrapped'), { [name]: errorOf('40001') }))
      await bank.save('a', entry)
      expect(attempts(), name).toBe(2)
      await bank.close()
    }
  })

  it('is repeated while the table is created, which many processes may do at once', async () => {
    await pool.query('drop table databank_sessions')
    const banks = Array.from({ length: 8 }, () => failing(0, errorOf('40001')).bank)
    await Promise.all(banks.map((bank, index) => bank.save(`${index}`, entry)))
    expect(await banks[0]!.count(Date.now())).toBe(8)
    const { rows } = await pool.query(`select count(*)::int as count from pg_indexes where tablename = 'databank_sessions'`)
    expect(rows).toEqual([{ count: 3 }])
    await Promise.all(banks.map((bank) => bank.close()))
  })
})
