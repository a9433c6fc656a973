// What the server refuses, and which code the caller gets.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { scratchFolder, until } from '../../../testing/program.js'
import { serverUser } from '../../../testing/tools/unprivileged.js'
import { PostgresBank } from '../src/index.ts'
import { isMissing, newTable, oneServer, opened, sql } from './support.ts'

const HOUR = 3_600_000
const entry = (payload = '{}') => ({ payload, expires: Date.now() + HOUR })
const quote = pg.escapeIdentifier

describe.skipIf(isMissing)('an operation that the server refuses', () => {
  const server = oneServer()

  /** Opens a bank whose connections have these settings. */
  function openedWith(settings: Record<string, string | number>) {
    const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)
    return opened(server.url, { poolOptions: { options: options.join(' ') } })
  }

  /** Holds a lock on the row, or on the table, until the function that it returns is called. */
  async function locked(table: string, id?: string): Promise<() => Promise<void>> {
    const client = new pg.Client(server.url)
    await client.connect()
    await client.query('begin')
    if (id === undefined) await client.query(`lock table ${quote(table)}`)
    else await client.query(`select 1 from ${quote(table)} where id = $1 for update`, [id])
    return async () => {
      await client.query('rollback')
      await client.end()
    }
  }

  it('fails with DATABANK_TIMEOUT at the end of statement_timeout or lock_timeout', async () => {
    for (const setting of ['statement_timeout', 'lock_timeout']) {
      const { table, another, close } = openedWith({ [setting]: 50 })
      const bank = await another()
      await bank.save('a', entry())
      const release = await locked(table, 'a')
      await expect(bank.save('a', entry('{"n":1}')), setting).rejects.toMatchObject({ code: 'DATABANK_TIMEOUT' })
      await release()
      await bank.save('a', entry('{"n":2}'))
      expect((await bank.read('a'))?.payload).toBe('{"n":2}')
      await close()
    }
  })

  it('runs again after a deadlock', async () => {
    const { table, another, close } = openedWith({ deadlock_timeout: 1_000 })
    const bank = await another()
    for (const id of ['a', 'b']) await bank.save(id, entry())
    const client = new pg.Client(server.url)
    await client.connect()
    await client.query('begin')
    await client.query('set local deadlock_timeout = 60000')
    await client.query(`select 1 from ${quote(table)} where id = 'b' for update`)
    const touched = bank.touchMany(
      [
        ['a', 1e15],
        ['b', 1e15],
      ],
      Date.now(),
    )
    const isWaiting = async (): Promise<boolean> => (await sql(server.url, 'select 1 from pg_locks where not granted')).length > 0
    await until(isWaiting, 'the bank to wait for a lock')
    // Now each waits for the other. The bank's statement is the one that is rolled back, and waits for its turn.
    await client.query(`select 1 from ${quote(table)} where id = 'a' for update`)
    await client.query('commit')
    await client.end()
    await touched
    expect((await bank.read('b'))?.expires).toBe(1e15)
    await close()
  })

  it('runs again after a serialization failure', async () => {
    const { table, another, close } = openedWith({ default_transaction_isolation: 'serializable' })
    const bank = await another()
    await bank.save('a', entry())
    const release = await locked(table, 'a')
    const saved = bank.save('a', entry('{"n":1}'))
    await until(async () => (await sql(server.url, 'select 1 from pg_locks where not granted')).length > 0, 'the bank to wait')
    await release()
    await saved
    const parallel = Array.from({ length: 40 }, (_, n) => bank.save('a', entry(`{"n":${n}}`)))
    await Promise.all(parallel)
    await close()
  })

  it('fails with DATABANK_DENIED without the right, and works with the rights that the README names', async () => {
    const { table, another, close } = opened(server.url)
    await (await another()).save('a', entry())
    await sql(server.url, `drop role if exists web`, `create role web login`)
    const bank = new PostgresBank({ url: server.url.replace('postgres@', 'web@'), table })
    await expect(bank.read('a')).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
    await sql(server.url, `grant select, insert, update, delete on ${quote(table)} to web`)
    expect((await bank.read('a'))?.payload).toBe('{}')
    await bank.touchMany([['a', 1e15]], Date.now())
    expect(await bank.purge(Date.now())).toBe(0)
    await bank.clear()
    await bank.close()
    const denied = new PostgresBank({ url: server.url.replace('postgres@', 'web@'), table: newTable() })
    await expect(denied.read('a')).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
    await denied.close()
    await close()
    await sql(server.url, `drop table ${quote(table)}`, `drop role web`)
  })

  it('fails with a clear message if there is no table and none may be created', async () => {
    const bank = new PostgresBank({ url: server.url, table: 'missing', createTable: false })
    const expected = { code: 'DATABANK_BACKEND_FAILED', message: expect.stringContaining('the table "missing" does not exist') }
    await expect(bank.read('a')).rejects.toMatchObject(expected)
    await sql(
      server.url,
      `create table missing (id text collate "C" primary key, payload text not null, expires bigint, owner text collate "C", version bigint not null)`,
    )
    expect(await bank.read('a')).toBe(null)
    await sql(server.url, 'drop table missing')
    await expect(bank.read('a')).rejects.toMatchObject(expected)
    await bank.close()
  })

  it('does not say that the table is there if there is no database of this name', async () => {
    const bank = new PostgresBank({ url: server.url.replace(/postgres$/, 'nowhere') })
    await expect(bank.read('a')).rejects.toMatchObject({
      code: 'DATABANK_BACKEND_FAILED',
      message: expect.stringMatching(/^PostgreSQL: the table "databank_sessions" cannot be used: .*"nowhere" does not exist/),
    })
    await bank.close()
  })

  it('fails with a clear message if the table is another one', async () => {
    await sql(server.url, 'create table foreign_one (id int, name text)')
    const bank = new PostgresBank({ url: server.url, table: 'foreign_one' })
    const expected = { code: 'DATABANK_BACKEND_FAILED', message: expect.stringContaining('foreign_one') }
    await expect(bank.read('a')).rejects.toMatchObject(expected)
    await expect(bank.save('a', entry())).rejects.toMatchObject(expected)
    await bank.close()
  })

  it('creates the table again that was dropped while the bank runs', async () => {
    const { table, another, close } = opened(server.url)
    const bank = await another()
    await bank.save('a', entry())
    await sql(server.url, `drop table ${quote(table)}`)
    expect(await Promise.all([bank.read('a'), bank.read('b'), bank.count(Date.now())])).toEqual([null, null, 0])
    await bank.save('a', entry())
    expect(await bank.count(Date.now())).toBe(1)
    await close()
  })

  it('is none when the time zone of the server changes', async () => {
    const { another, close } = opened(server.url)
    const expires = Date.now() + HOUR
    await (await another()).save('a', { payload: '{}', expires })
    await sql(server.url, `alter database postgres set timezone to 'Pacific/Auckland'`)
    const bank = await another()
    expect((await bank.read('a'))?.expires).toBe(expires)
    expect(await bank.count(expires - 1)).toBe(1)
    expect(await bank.count(expires)).toBe(0)
    await sql(server.url, 'alter database postgres reset timezone')
    await close()
  })

  it('prepares anew when a column was added to the table', async () => {
    const { table, another, close } = opened(server.url)
    const bank = await another()
    await bank.save('a', entry())
    await bank.read('a')
    await sql(server.url, `alter table ${quote(table)} alter column payload type varchar(500)`)
    expect((await bank.read('a'))?.payload).toBe('{}')
    await close()
  })

  it.skipIf(!canMount())('fails with DATABANK_FULL when the disk is full, and works when there is room again', async () => {
    const { path, remove } = await scratchFolder()
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=3m,mode=700,uid=${serverUser}`, 'tmpfs', path])
    try {
      const { table, another, close } = opened(server.url)
      const bank = await another()
      await bank.save('kept', entry())
      await sql(server.url, `create tablespace small location '${path}'`, `alter table ${quote(table)} set tablespace small`)
      const text = JSON.stringify({ text: randomBytes(50_000).toString('base64') })
      let failure: unknown
      const saved: string[] = []
      for (let n = 0; failure === undefined && n < 200; n++) {
        await bank.save(`large-${n}`, entry(text)).then(
          () => saved.push(`large-${n}`),
          (error) => {
            failure = error
          },
        )
      }
      expect(failure).toMatchObject({ code: 'DATABANK_FULL' })
      for (const id of saved) expect((await bank.read(id))?.payload === text).toBe(true)
      execFileSync('mount', ['-o', 'remount,size=6m', path])
      await bank.save('large', entry(text))
      await close()
      await sql(server.url, `drop table ${quote(table)}`, 'drop tablespace small')
    } finally {
      // The server may still have a file open.
      execFileSync('umount', ['-l', path])
      await remove()
    }
  })
})

function canMount(): boolean {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return false
  const folder = mkdtempSync(join(tmpdir(), 'connect-databank-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    rmdirSync(folder)
  }
}
