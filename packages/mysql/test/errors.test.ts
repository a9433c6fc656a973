// What the server refuses, and how it is told.
import { createPool } from 'mysql2'
import { createConnection } from 'mysql2/promise'
import { describe, expect, it } from 'vitest'
import { MysqlBank } from '../src/index.ts'
import { kinds, newTable, oneServer, opened, quote, sql } from './support.ts'

const HOUR = 3_600_000
const entry = (payload = '{}') => ({ payload, expires: Date.now() + HOUR })

for (const kind of kinds) {
  describe.skipIf(kind.isMissing)(`an operation that a server of ${kind.name} refuses`, () => {
    const server = oneServer(kind, { settings: { 'innodb-lock-wait-timeout': 2, 'max-allowed-packet': '4M' } })

    it('fails with DATABANK_TIMEOUT when it waits for a lock too long', async () => {
      const { table, another, close } = opened(server.url)
      const bank = await another()
      await bank.save('a', entry())
      const connection = await createConnection(server.url)
      await connection.query('start transaction')
      await connection.query(`select 1 from ${quote(table)} where id = 'a' for update`)
      await expect(bank.save('a', entry('{"n":1}'))).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
      await connection.query('rollback')
      await connection.end()
      await bank.save('a', entry('{"n":2}'))
      expect((await bank.read('a'))?.payload).toBe('{"n":2}')
      await close()
    })

    it('fails with DATABANK_DENIED without the right, and works with the rights that the README names', async () => {
      const { table, another, close } = opened(server.url)
      await (await another()).save('a', entry())
      await sql(
        server.url,
        "create user web@'%' identified by 'secret'",
        `grant select on test.${quote('other')} to web@'%'`,
      ).catch(() => {})
      const bank = new MysqlBank({ url: server.url.replace('databank:', 'web:'), table })
      await expect(bank.read('a')).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
      await sql(server.url, `grant select, insert, update, delete on test.${quote(table)} to web@'%'`)
      expect((await bank.read('a'))?.payload).toBe('{}')
      await bank.touchMany([['a', 1e15]], Date.now())
      expect(await bank.purge(Date.now())).toBe(0)
      await bank.clear()
      await bank.close()
      await close()
    })

    it('fails with a clear message if there is no table and none may be created', async () => {
      const table = newTable()
      const bank = new MysqlBank({ url: server.url, table, createTable: false })
      await expect(bank.read('a')).rejects.toMatchObject({
        code: 'DATABANK_BACKEND_FAILED',
        message: expect.stringContaining('does not exist, and createTable is false'),
      })
      await bank.close()
    })

    it('refuses a session that is larger than max_allowed_packet before it is sent', async () => {
      const { another, close } = opened(server.url)
      const bank = await another()
      await bank.save('a', entry('{"n":1}'))
      const large = JSON.stringify({ text: 'é'.repeat(2_200_000) })
      await expect(bank.save('a', entry(large))).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
      expect((await bank.read('a'))?.payload).toBe('{"n":1}')
      await close()
    })

    it('refuses a session that is larger than the column of another store, also where the server would cut it off', async () => {
      const pool = createPool({ uri: server.url })
      pool.on('connection', (connection) => connection.query("set sql_mode = ''"))
      const bank = new MysqlBank({ pool, table: newTable(), layout: 'connect-session-sequelize' })
      const largest = entry(JSON.stringify({ text: 'x'.repeat(65_535 - '{"text":""}'.length) }))
      await bank.save('a', largest)
      const larger = entry(JSON.stringify({ text: 'é'.repeat(33_000) }))
      await expect(bank.save('a', larger)).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
      await expect(bank.swap('b', null, larger, Date.now())).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
      expect(await bank.readMany(['a', 'b'])).toEqual([expect.objectContaining({ payload: largest.payload }), null])
      await bank.close()
      await pool.promise().end()
    })

    it('fails with DATABANK_INVALID_SESSION for a character that the table of another store cannot hold', async () => {
      const table = newTable()
      await sql(
        server.url,
        `create table ${quote(table)} (session_id varchar(128) primary key, expires int unsigned not null, data mediumtext) character set utf8mb3`,
      )
      const bank = new MysqlBank({ url: server.url, table, layout: 'express-mysql-session' })
      await bank.save('a', entry('{"text":"é"}'))
      const version = (await bank.read('a'))!.payload
      const refused = entry('{"text":"😀"}')
      await expect(bank.save('a', refused)).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
      await expect(bank.swap('a', version, refused, Date.now())).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
      expect((await bank.read('a'))?.payload).toBe('{"text":"é"}')
      await bank.close()
    })

    it('fails with DATABANK_INVALID_SESSION for what a column of JSON refuses', async () => {
      const bank = new MysqlBank({ url: server.url, table: newTable(), layout: 'connect-session-knex' })
      const deep = `{"a":${'['.repeat(200)}${']'.repeat(200)}}`
      for (const payload of [deep, JSON.stringify({ lone: '\ud800' })]) {
        await expect(bank.save('a', entry(payload))).rejects.toMatchObject({ code: 'DATABANK_INVALID_SESSION' })
      }
      expect(await bank.read('a')).toBe(null)
      await bank.close()
    })

    it('runs again after a deadlock', async () => {
      const { table, another, close } = opened(server.url)
      const bank = await another()
      for (const id of ['a', 'b']) await bank.save(id, entry())
      const connection = await createConnection(server.url)
      await connection.query('start transaction')
      // The heavier transaction survives a deadlock.
      await connection.query(`update ${quote(table)} set payload = repeat('x', 10000) where id = 'b'`)
      const touched = bank.touchMany(
        [
          ['a', 1e15],
          ['b', 1e15],
        ],
        Date.now(),
      )
      // MariaDB refreshes this table ten times a second.
      await expect
        .poll(
          async () =>
            (await sql(server.url, "select count(*) as n from information_schema.innodb_trx where trx_state = 'LOCK WAIT'"))[0]?.[
              'n'
            ],
          { interval: 150 },
        )
        .toBe(1)
      await connection.query(`select 1 from ${quote(table)} where id = 'a' for update`)
      await connection.query('commit')
      await connection.end()
      await touched
      expect((await bank.read('b'))?.expires).toBe(1e15)
      await close()
    })
  })
}
