// Many processes on one table: no update is lost, nobody waits for ever, nobody gets a deadlock.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { bundle } from '../../../testing/bundle.js'
import { newSession } from '../../../testing/requests.ts'
import { PostgresStore } from '../src/index.ts'
import { isMissing, newTable, oneServer, opened, sql } from './support.ts'

const HOUR = 3_600_000

describe.skipIf(isMissing)('on one table', () => {
  const server = oneServer({ settings: { deadlock_timeout: 50 } })

  async function expectNoDeadlock(): Promise<void> {
    const [statistics] = await sql(server.url, `select deadlocks::int from pg_stat_database where datname = 'postgres'`)
    expect(statistics?.['deadlocks']).toBe(0)
  }

  it('four processes lose no update', async () => {
    const { folder, remove } = await bundle({ process: join(import.meta.dirname, 'fixtures/process.ts') })
    const table = newTable()
    const store = new PostgresStore({ url: server.url, table })
    for (let index = 0; index < 20; index++) await store.set(`shared-${index}`, newSession({ n: 0 }))
    const args = [join(folder, 'process.js'), server.url, table, '25']
    await Promise.all(Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, args)))
    expect(await store.get('shared-0')).toMatchObject({ n: 100 })
    expect(await store.get('shared-1')).toMatchObject({ n: 100 })
    await store.close()
    await remove()
  }, 60_000)

  it('ten instances clean up at once while others touch and write: each row is deleted once, and nothing fails', async () => {
    const { table, another, close } = opened(server.url, { maxConnections: 3 })
    const banks = await Promise.all(Array.from({ length: 10 }, another))
    await banks[0]!.open()
    const now = Date.now()
    await sql(
      server.url,
      `insert into ${pg.escapeIdentifier(table)} select 'expired-' || n, '{}', ${now - HOUR} + n % 1000, null, n from generate_series(1, 12000) n`,
      `insert into ${pg.escapeIdentifier(table)} select 'live-' || n, '{}', ${now + HOUR}, null, n from generate_series(1, 300) n`,
    )
    const live = Array.from({ length: 300 }, (_, index) => `live-${index + 1}`)
    const touches = banks.flatMap((bank) => {
      const shuffled = [...live].sort(() => Math.random() - 0.5)
      return Array.from({ length: 5 }, (_, n) =>
        bank.touchMany(
          shuffled.map((id) => [id, now + 2 * HOUR + n]),
          now,
        ),
      )
    })
    const writes = banks.map((bank, index) =>
      bank.swap(`expired-${index + 1}`, null, { payload: '{"new":1}', expires: now + HOUR }, now),
    )
    const purged = await Promise.all(banks.map((bank) => bank.purge(now)))
    await Promise.all(touches)
    const created = (await Promise.all(writes)).filter((version) => version !== null)
    expect(created).toHaveLength(10)
    const deleted = purged.reduce((sum, count) => sum + count, 0)
    const [row] = await sql(server.url, `select count(*)::int as count from ${pg.escapeIdentifier(table)}`)
    // A row that another instance holds is left to that one.
    expect(row?.['count']).toBe(310)
    expect(deleted).toBeGreaterThanOrEqual(12_000 - 10)
    expect(deleted).toBeLessThanOrEqual(12_000)
    await close()
    await expectNoDeadlock()
  }, 60_000)

  it('instances that clear, clean up and touch at once do not fail', async () => {
    const { table, another, close } = opened(server.url, { maxConnections: 3 })
    const banks = await Promise.all(Array.from({ length: 6 }, another))
    await banks[0]!.open()
    const now = Date.now()
    await sql(
      server.url,
      `insert into ${pg.escapeIdentifier(table)} select 'id-' || n, '{}', ${now} + (n % 3 - 1) * ${HOUR}, null, n from generate_series(1, 6000) n`,
    )
    const ids = Array.from({ length: 6_000 }, (_, index) => `id-${index + 1}`)
    const work = banks.flatMap((bank) => {
      const touches = [...ids].sort(() => Math.random() - 0.5).map((id) => [id, now + 2 * HOUR] as const)
      return [bank.touchMany(touches, now), bank.clear(), bank.purge(now)]
    })
    await Promise.all(work)
    expect(await banks[0]!.count(now)).toBe(0)
    await close()
    await expectNoDeadlock()
  }, 60_000)
})
