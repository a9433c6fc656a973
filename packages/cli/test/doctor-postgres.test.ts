import pg from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startPostgresql } from '../../../testing/servers/postgresql.js'
import type { DoctorOptions } from '../src/doctor/index.ts'
import { findingsOf, problem, problemsIn, runningServer, testEveryServer, useStore } from './doctor-support.ts'

describe.skipIf(server('postgresql').missing)('on PostgreSQL', () => {
  let admin: pg.Client
  const prepare = async ({ url }: { url: string }): Promise<void> => {
    admin = new pg.Client({ connectionString: url })
    await admin.connect()
    await admin.query(`create role sessions login; grant create, usage on schema public to sessions; create role other login`)
    await useStore(urlOf('sessions'))
  }
  const started = runningServer(() => startPostgresql({ tls: true, settings: { fsync: 'on' } }), prepare)
  afterAll(() => admin?.end())

  const urlOf = (user: string): string => started().url.replace('postgres@', `${user}@`)
  const doctorAs = (user: string, options: DoctorOptions = {}) => findingsOf(urlOf(user), options)

  test('a sound server, with a user of its own and TLS, has no warnings', async () => {
    const findings = await doctorAs('sessions', { poolOptions: { ssl: { ca: started().ca } } })
    expect(problemsIn(findings)).toEqual([])
    expect(findings.map(({ subject }) => subject)).toEqual([
      'server',
      'durability',
      'clock',
      'TLS',
      'user',
      'rights',
      'indexes',
      'collation',
      'latency',
      'records',
    ])
    expect(findings[3]?.message).toContain('TLSv1.3')
  })

  testEveryServer({ sound: () => urlOf('sessions'), refused: () => urlOf('nobody'), tls: /sslmode/ })

  test('a superuser', async () => {
    const user = problem(await doctorAs('postgres'), 'user')
    expect(user).toMatchObject({ level: 'warn', fix: 'alter role "postgres" nosuperuser nocreaterole nocreatedb' })
  })

  test('a user without rights', async () => {
    const findings = await doctorAs('other')
    expect(problem(findings, 'rights')).toMatchObject({
      level: 'fail',
      message: 'missing on the table: select, insert, update, delete',
      fix: 'grant select, insert, update, delete on "databank_sessions" to other',
    })
    expect(findings.at(-1)?.subject).toBe('rights')
    await admin.query('grant select, insert on "databank_sessions" to other')
    expect(problem(await doctorAs('other'), 'rights')?.message).toBe('missing on the table: update, delete')
    await admin.query(problem(await doctorAs('other'), 'rights')!.fix!)
    expect(problemsIn(await doctorAs('other'))).toEqual([])
  })

  test('a table that is not there is not created', async () => {
    const missing = { table: 'not "there"' }
    expect(problem(await doctorAs('sessions', missing), 'table')).toMatchObject({ level: 'warn', fix: 'start the application' })
    expect(problem(await doctorAs('sessions', { ...missing, createTable: false }), 'table')?.level).toBe('fail')
    expect(problem(await doctorAs('other', missing), 'table')).toMatchObject({
      level: 'fail',
      fix: 'grant create on schema "public" to other',
    })
    const { rows } = await admin.query(`select count(*)::int as count from pg_tables where tablename like 'not %'`)
    expect(rows).toEqual([{ count: 0 }])
  })

  test('a table without indexes, whose ids are not told apart', async () => {
    await admin.query(`create collation loose (provider = icu, locale = 'und', deterministic = false)`)
    await admin.query(
      'create table bare (id text collate loose, payload text, expires bigint, owner text, version bigint); grant all on bare to sessions',
    )
    const findings = await doctorAs('sessions', { table: 'bare' })
    expect(problem(findings, 'collation')?.level).toBe('fail')
    const indexes = findings.filter(({ subject }) => subject === 'indexes')
    expect(indexes.map(({ level }) => level)).toEqual(['fail', 'warn', 'warn'])
    for (const { fix } of [...indexes, problem(findings, 'collation')!]) await admin.query(fix!)
    expect(problemsIn(await doctorAs('sessions', { table: 'bare' }))).toEqual([])
  })

  test('a table of another store: its expiry is local time', async () => {
    const options = { layout: 'connect-pg-simple' }
    await useStore(urlOf('sessions'), options)
    await admin.query(`alter role sessions set timezone = 'UTC'`)
    expect(problemsIn(await doctorAs('sessions', options))).toEqual([])
    await admin.query(`alter role sessions set timezone = 'Europe/Berlin'`)
    const zone = problem(await doctorAs('sessions', options), 'time zone')
    expect(zone).toMatchObject({ level: 'warn', message: expect.stringContaining('local time of Europe/Berlin') })
    await admin.query('alter role sessions reset timezone')
  })

  test('settings that lose sessions', async () => {
    const settingsOf = async (...settings: string[]): Promise<string[]> => {
      for (const setting of settings) await admin.query(`alter system set ${setting}`)
      await admin.query('select pg_reload_conf()')
      // The server's processes read the file when they next can.
      for (const setting of settings) await reloaded(setting.split(' = ') as [string, string])
      return problemsIn(await doctorAs('sessions'))
    }
    expect(await settingsOf('synchronous_commit = off', 'autovacuum = off')).toEqual([
      'warn durability: synchronous_commit is off: a crash can bring back what was logged out',
      'warn autovacuum: is off: each touch leaves a dead row',
    ])
    await admin.query('alter system reset all; select pg_reload_conf()').catch(() => {})
  })

  async function reloaded([name, value]: [string, string]): Promise<void> {
    for (;;) {
      const { rows } = await admin.query(`select setting from pg_settings where name = $1`, [name])
      if (rows[0].setting === value) return
    }
  }

  test('a wrong database', async () => {
    expect(await findingsOf(`${urlOf('sessions')}_other`)).toMatchObject([{ level: 'fail', subject: 'connection' }])
  })
})

test.skipIf(server('postgresql').missing)('PostgreSQL without fsync', async () => {
  const started = await startPostgresql({ settings: { fsync: 'off' } })
  try {
    expect(problem(await findingsOf(started.url), 'durability')).toMatchObject({
      level: 'warn',
      fix: 'alter system set fsync = on',
    })
  } finally {
    await started.stop()
  }
})
