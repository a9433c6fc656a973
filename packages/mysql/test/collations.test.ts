// Tables of other stores in the character sets, collations and types that databases give them.
import { type Execute, SqlBank } from '@connect-databank/sql'
import { createPool, type Pool, type ResultSetHeader } from 'mysql2/promise'
import { afterEach, describe, expect, it } from 'vitest'
import { newSession } from '../../../testing/requests.ts'
import { MysqlBank, MysqlStore, mysqlDialect } from '../src/index.ts'
import { kinds, newTable, oneServer, quote, sql } from './support.ts'

const HOUR = 3_600_000
const LAYOUTS = ['express-mysql-session', 'connect-session-knex', 'connect-session-sequelize'] as const
type LayoutName = (typeof LAYOUTS)[number]

/** The columns as each store creates them: all but one take the character set of the database. */
const COLUMNS: Record<LayoutName, string> = {
  'express-mysql-session': 'session_id varchar(128) primary key, expires int unsigned not null, data mediumtext',
  'connect-session-knex': 'sid varchar(255) primary key, sess json not null, expired datetime not null',
  'connect-session-sequelize':
    'sid varchar(36) primary key, expires datetime, data text, createdAt datetime not null, updatedAt datetime not null',
}

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const entry = (data: object = {}) => ({ payload: JSON.stringify(data), expires: Date.now() + HOUR })

async function versionOf(bank: MysqlBank, id: string): Promise<string | undefined> {
  const stored = await bank.read(id)
  return stored?.version ?? stored?.payload
}

/** Runs statements as an application's own client does. `before` sees each of them. */
function executeOn(pool: Pool, before: (text: string, parameters: unknown[]) => Promise<unknown>): Execute {
  return async (text, parameters) => {
    await before(text, [...parameters])
    const [result] = await pool.query(text, [...parameters])
    return Array.isArray(result)
      ? { rows: result as Record<string, unknown>[], count: 0 }
      : { rows: [], count: (result as ResultSetHeader).affectedRows }
  }
}

for (const kind of kinds) {
  describe.skipIf(kind.isMissing)(`on ${kind.name}, a table`, () => {
    const server = oneServer(kind)

    /** A new table of another store, with this character set. */
    async function created(layout: LayoutName, characterSet: string): Promise<string> {
      const table = newTable()
      await sql(server.url, `create table ${quote(table)} (${COLUMNS[layout]}) character set ${characterSet}`)
      return table
    }

    function opened(layout: LayoutName, table: string): MysqlBank {
      const bank = new MysqlBank({ url: server.url, layout, table, createTable: false })
      ends.push(() => bank.close())
      return bank
    }

    /** A bank over a client of the application's own. */
    function over(layout: LayoutName, table: string, before: (pool: Pool, text: string, values: unknown[]) => Promise<unknown>) {
      const pool = createPool(server.url)
      ends.push(() => pool.end())
      const execute = executeOn(pool, (text, parameters) => before(pool, text, parameters))
      return new SqlBank({ dialect: mysqlDialect, execute, layout, table })
    }

    for (const layout of LAYOUTS) {
      for (const set of ['utf8mb4 collate utf8mb4_unicode_ci', 'utf8mb4 collate utf8mb4_bin', 'utf8mb3', 'latin1']) {
        it(`of ${layout} in ${set} is read, touched, replaced and cleared`, async () => {
          const bank = opened(layout, await created(layout, set))
          const now = Date.now()
          for (const id of ['a', 'b']) await bank.save(id, entry({ id }))
          expect((await bank.readMany(['a', 'b', 'c'])).map((stored) => stored !== null)).toEqual([true, true, false])
          const times = ['a', 'b'].map((id) => [id, now + 2 * HOUR] as const)
          await bank.touchMany(times, now)
          expect((await bank.read('b'))?.expires).toBeGreaterThanOrEqual(now + 2 * HOUR)
          const version = await bank.swap('b', (await versionOf(bank, 'b'))!, entry({ text: 'é' }), now)
          expect(version).toBe(await versionOf(bank, 'b'))
          expect(await bank.swap('b', version, entry({ n: 2 }), now)).not.toBe(null)
          expect(await bank.swap('b', version, entry({ n: 3 }), now)).toBe(null)
          await bank.clear()
          expect(await bank.count(now)).toBe(0)
        })

        it(`of ${layout} in ${set} refuses an id that it cannot hold, and fails nobody else's operation`, async () => {
          const bank = opened(layout, await created(layout, set))
          const now = Date.now()
          await bank.save('?', entry())
          const held = set.startsWith('utf8mb4') ? ['é', '😀'] : set === 'utf8mb3' ? ['é'] : []
          for (const id of ['é', '😀']) {
            if (held.includes(id)) await bank.save(id, entry())
            else await expect(bank.save(id, entry())).rejects.toMatchObject({ code: 'DATABANK_INVALID_ID' })
            expect((await bank.read(id)) !== null).toBe(held.includes(id))
          }
          const times = ['?', 'é', '😀'].map((id) => [id, now + 2 * HOUR] as const)
          await bank.touchMany(times, now)
          const touched = (await bank.readMany(['?', 'é', '😀'])).filter((stored) => stored !== null)
          expect(touched).toHaveLength(1 + held.length)
          for (const { expires } of touched) expect(expires).toBeGreaterThanOrEqual(now + 2 * HOUR)
        })
      }
    }

    it('in another database and another collation is found by its schema', async () => {
      const table = quote('Sessions')
      for (const [name, collation] of [
        ['it`s \\ other', 'utf8mb4_unicode_ci'],
        ['test', 'latin1_swedish_ci'],
      ] as const) {
        await sql(
          server.url,
          `create database if not exists ${quote(name)}`,
          `create table ${quote(name)}.${table} (${COLUMNS['connect-session-sequelize']}) collate ${collation}`,
        )
      }
      const schema = 'it`s \\ other'
      const bank = new MysqlBank({ url: server.url, schema, layout: 'connect-session-sequelize' })
      ends.push(() => bank.close())
      await bank.save('a', entry())
      expect((await bank.readMany(['a', 'b'])).map((stored) => stored !== null)).toEqual([true, false])
      await sql(server.url, `drop database ${quote(schema)}`, `drop table ${table}`)
    })

    it('in a collation of its own is searched by its primary key', async () => {
      const table = await created('connect-session-knex', 'utf8mb4 collate utf8mb4_unicode_ci')
      const keys: unknown[] = []
      const bank = over('connect-session-knex', table, async (pool, text, parameters) => {
        if (!text.includes('json_table')) return
        const [plan] = await pool.query(`explain format = traditional ${text}`, parameters)
        keys.push((plan as { key: unknown }[]).some(({ key }) => key === 'PRIMARY'))
      })
      const rows = Array.from({ length: 2_000 }, (_, index) => `('id-${index}', '{}', utc_timestamp() + interval 1 hour)`)
      await sql(server.url, `insert into ${quote(table)} values ${rows.join()}`, `analyze table ${quote(table)}`)
      await bank.readMany(['id-1', 'id-2'])
      await bank.touchMany([['id-1', Date.now() + HOUR]], Date.now())
      await bank.clear()
      expect(keys).toEqual([true, true, true, true])
    })

    it('whose collation takes two ids for one: the row of another id is not touched', async () => {
      const table = await created('connect-session-knex', 'utf8mb4 collate utf8mb4_unicode_ci')
      const bank = opened('connect-session-knex', table)
      await bank.save('abc', entry())
      const { expires } = (await bank.read('abc'))!
      await bank.touchMany([['ABC', expires! + HOUR]], Date.now())
      expect((await bank.read('abc'))?.expires).toBe(expires)
    })

    it('whose collation takes two ids for one: the row of another id is not deleted', async () => {
      const table = await created('connect-session-knex', 'utf8mb4 collate utf8mb4_unicode_ci')
      await opened('connect-session-knex', table).save('abc', entry())
      // Another process replaces the session between the two statements of `clear`.
      const bank = over('connect-session-knex', table, async (pool, text) => {
        if (text.startsWith('delete')) await pool.query(`update ${quote(table)} set sid = 'ABC'`)
      })
      await bank.clear()
      expect(await bank.read('ABC')).not.toBe(null)
    })

    it('of connect-session-knex: a request that saves twice is in no conflict with itself', async () => {
      const table = await created('connect-session-knex', 'utf8mb4')
      const store = new MysqlStore({ url: server.url, layout: 'connect-session-knex', table })
      ends.push(() => store.close())
      const conflicts: unknown[] = []
      store.on('conflict', (detail) => conflicts.push(detail))
      await store.set('a', newSession({ zebra: 1, ant: { z: 'é', aa: [{ y: 1, b: 2 }] } }))
      const request = { sessionStore: store, sessionID: 'a' } as unknown as Parameters<MysqlStore['createSession']>[0]
      const session = store.createSession(request, (await store.get('a'))!) as unknown as Record<string, unknown>
      for (const n of [1, 2, 3]) {
        session['n'] = n
        await store.set('a', session as never)
      }
      expect(await store.get('a')).toMatchObject({ zebra: 1, n: 3 })
      expect(conflicts).toEqual([])
    })

    it('that we create holds every character, whatever the character set of the database is', async () => {
      await sql(server.url, 'create database in_latin1 character set latin1')
      const url = server.url.replace('/test', '/in_latin1')
      for (const layout of LAYOUTS) {
        const bank = new MysqlBank({ url, layout, table: layout })
        ends.push(() => bank.close())
        await bank.save('😀', entry({ text: '😀' }))
        expect(JSON.parse((await bank.read('😀'))!.payload), layout).toEqual({ text: '😀' })
      }
    })
  })
}
