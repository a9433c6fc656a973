// The bank over the clients and query builders that applications have, on a real PostgreSQL and on SQLite. Those that call another client pass
// the values and errors of that client on in their own ways, so each has the checks of
// values. The suite is whole once; PostgreSQL's package has it on pg.
import { bankConformance } from '@connect-databank/conformance'
import { postgresDialect } from '@connect-databank/postgres'
import { sqliteDialect } from '@connect-databank/sqlite'
import createKnex from 'knex'
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import { DataSource } from 'typeorm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ofClient } from '../../../testing/parts.ts'
import { server } from '../../../testing/servers/index.js'
import { startPostgresql } from '../../../testing/servers/postgresql.js'
import { type Execute, SqlBank } from '../src/index.ts'

interface Client {
  readonly execute: Execute
  close(): Promise<unknown>
}

/** A pool whose lost connections do not end the process: Kysely listens to no connection that it uses. */
function newPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 5 })
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool.on('error', () => {})
}

function typeormOn(dataSource: DataSource): Execute {
  return async (text, parameters) => {
    const runner = dataSource.createQueryRunner()
    try {
      const { records, affected } = await runner.query(text, [...parameters], true)
      return { rows: records ?? [], count: affected ?? 0 }
    } finally {
      await runner.release()
    }
  }
}

const clients: Record<string, (url: string) => Promise<Client>> = {
  async 'postgres.js'(url) {
    const sql = postgres(url, { max: 5, onnotice: () => {} })
    const execute: Execute = async (text, parameters) => {
      const rows = await sql.unsafe(text, [...parameters] as never[], { prepare: true })
      return { rows: [...rows], count: rows.count }
    }
    return { execute, close: () => sql.end({ timeout: 1 }) }
  },
  async Knex(url) {
    const log = { debug() {}, warn() {}, error() {}, deprecate() {} }
    const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 5 }, log })
    const execute: Execute = async (text, parameters) => {
      const { rows, rowCount } = await knex.raw(text.replaceAll(/\$\d+/g, '?'), [...parameters] as never[])
      return { rows, count: rowCount }
    }
    return { execute, close: () => knex.destroy() }
  },
  async Kysely(url) {
    const db = new Kysely({ dialect: new PostgresDialect({ pool: newPool(url) }) })
    const execute: Execute = async (text, parameters) => {
      const { rows, numAffectedRows } = await db.executeQuery(CompiledQuery.raw(text, [...parameters]))
      return { rows: rows as Record<string, unknown>[], count: Number(numAffectedRows ?? 0) }
    }
    return { execute, close: () => db.destroy() }
  },
  async TypeORM(url) {
    const dataSource = await new DataSource({ type: 'postgres', url, poolSize: 5, poolErrorHandler: () => {} }).initialize()
    return { execute: typeormOn(dataSource), close: () => dataSource.destroy() }
  },
}

const { missing } = server('postgresql')

describe.skipIf(missing)('over', () => {
  let postgresql: Awaited<ReturnType<typeof startPostgresql>>
  beforeAll(async () => {
    postgresql = await startPostgresql()
  })
  afterAll(() => postgresql?.stop())

  for (const [name, connect] of Object.entries(clients)) {
    describe(name, () => {
      let client: Client
      let tables = 0
      beforeAll(async () => {
        client = await connect(postgresql.url)
      })
      afterAll(() => client?.close())

      const newTable = (): string => `${name.toLowerCase().replace('.', '_')}_${++tables}`

      bankConformance(
        { describe, it },
        {
          ...(name !== 'postgres.js' && { only: ofClient }),
          open: async () => {
            const table = newTable()
            const banks: SqlBank[] = []
            const another = async (): Promise<SqlBank> => {
              const bank = new SqlBank({ dialect: postgresDialect, execute: client.execute, table })
              banks.push(bank)
              return bank
            }
            const close = async (): Promise<void> => void (await Promise.all(banks.map((bank) => bank.close())))
            return { bank: await another(), another, close }
          },
        },
      )

      it('errors of the server have their codes', async () => {
        const bank = new SqlBank({ dialect: postgresDialect, execute: client.execute, table: newTable(), createTable: false })
        await expect(bank.read('a')).rejects.toMatchObject({
          code: 'DATABANK_BACKEND_FAILED',
          message: expect.stringContaining('does not exist'),
        })
        await bank.close()
        const killing: Execute = (text, parameters, timeout) => {
          const kill = 'select pg_terminate_backend(pg_backend_pid())'
          return text.startsWith('insert') ? client.execute(kill, [], timeout) : client.execute(text, parameters, timeout)
        }
        const cut = new SqlBank({ dialect: postgresDialect, execute: killing, table: newTable() })
        await expect(cut.save('a', { payload: '{}', expires: null })).rejects.toMatchObject({ code: 'DATABANK_UNAVAILABLE' })
        // Some clients use the connection once more before they notice.
        await expect.poll(() => cut.read('a')).toBe(null)
        await cut.close()
      })
    })
  }
})

const sqliteClients: Record<string, () => Promise<Client>> = {
  async Knex() {
    const knex = createKnex({ client: 'better-sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true })
    const execute: Execute = async (text, parameters) => {
      const result = await knex.raw(text, [...parameters] as never[])
      return Array.isArray(result) ? { rows: result, count: 0 } : { rows: [], count: result.changes }
    }
    return { execute, close: () => knex.destroy() }
  },
  async TypeORM() {
    const dataSource = await new DataSource({ type: 'better-sqlite3', database: ':memory:' }).initialize()
    return { execute: typeormOn(dataSource), close: () => dataSource.destroy() }
  },
}

for (const [name, connect] of Object.entries(sqliteClients)) {
  describe(`over ${name} on SQLite`, () => {
    bankConformance(
      { describe, it },
      {
        only: ofClient,
        open: async () => {
          const client = await connect()
          const bank = new SqlBank({ dialect: sqliteDialect, execute: client.execute })
          const close = async (): Promise<void> => {
            await bank.close()
            await client.close()
          }
          return { bank, close }
        },
      },
    )

    it('errors of SQLite have their codes', async () => {
      const client = await connect()
      const bank = new SqlBank({ dialect: sqliteDialect, execute: client.execute })
      await bank.open()
      await client.execute('pragma query_only = on', [], 1_000)
      await expect(bank.save('a', { payload: '{}', expires: null })).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
      await bank.close()
      await client.close()
    })
  })
}
