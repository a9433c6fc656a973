// A pooler that lends connections to the server for one transaction each.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PostgresBank } from '../src/index.ts'
import { findPgbouncer, startPgbouncer } from './pgbouncer.ts'
import { isMissing, newTable, oneServer } from './support.ts'

const entry = (payload = '{}') => ({ payload, expires: Date.now() + 3_600_000 })
const binary = isMissing ? 'no PostgreSQL' : await findPgbouncer()

describe.skipIf(typeof binary === 'string')('behind PgBouncer in transaction mode', () => {
  const server = oneServer()
  let pooler: Awaited<ReturnType<typeof startPgbouncer>>
  beforeAll(async () => {
    pooler = await startPgbouncer(binary as never, server.port)
  })
  afterAll(() => pooler?.stop())

  /** Uses the bank on many connections at once, as many requests do. */
  async function use(bank: PostgresBank): Promise<void> {
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const id = `id-${index}`
          await bank.save(id, entry(`{"n":${round}}`))
          const found = await bank.read(id)
          expect(found?.payload).toBe(`{"n":${round}}`)
          expect(await bank.swap(id, found!.version!, entry(`{"n":${round},"swapped":true}`), Date.now())).not.toBe(null)
          await bank.touchMany([[id, 1e15]], Date.now())
        }),
      )
    }
    expect(await bank.count(Date.now())).toBe(40)
    await bank.clear()
    expect(await bank.count(Date.now())).toBe(0)
  }

  it('statements are no longer prepared when they turn out to be lost: no operation fails, and one warning says so', async () => {
    const warnings: string[] = []
    const context = { timeout: 5_000, warn: (message: string) => warnings.push(message) }
    const bank = new PostgresBank({ url: pooler.url, table: newTable() }, context)
    await use(bank)
    expect(warnings).toEqual([expect.stringContaining('prepare: false')])
    await bank.close()
  })

  it('with prepare: false nothing is prepared', async () => {
    const warnings: string[] = []
    const context = { timeout: 5_000, warn: (message: string) => warnings.push(message) }
    const bank = new PostgresBank({ url: pooler.url, table: newTable(), prepare: false }, context)
    await use(bank)
    expect(warnings).toEqual([])
    await bank.close()
  })

  it('on a direct connection statements are prepared, unless prepare is false', async () => {
    for (const prepare of [true, false]) {
      const pool = new pg.Pool({ connectionString: server.url, max: 1 })
      const bank = new PostgresBank({ pool, table: newTable(), prepare })
      await bank.save('a', entry())
      const { rows } = await pool.query('select count(*)::int as count from pg_prepared_statements')
      expect(rows[0].count > 0).toBe(prepare)
      await bank.close()
      await pool.end()
    }
  })
})
