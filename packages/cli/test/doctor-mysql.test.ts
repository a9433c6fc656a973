import { type Connection, createConnection } from 'mysql2/promise'
import { afterAll, describe, expect, test } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startMariadb } from '../../../testing/servers/mariadb.js'
import { startMysql } from '../../../testing/servers/mysql.js'
import type { DoctorOptions } from '../src/doctor/index.ts'
import { findingsOf, problem, problemsIn, runningServer, testEveryServer, useStore } from './doctor-support.ts'

const kinds = [
  { name: 'MariaDB', missing: server('mariadb').missing, start: startMariadb },
  { name: 'MySQL', missing: server('mysql').missing, start: startMysql },
]

describe.each(kinds)('on $name', ({ name, missing, start }) => {
  if (missing !== undefined) {
    test.skip(`every finding (${missing})`, () => {})
    return
  }
  let admin: Connection
  const prepare = async ({ url }: { url: string }): Promise<void> => {
    admin = await createConnection({ uri: url })
    for (const user of ['sessions', 'other']) await admin.query(`create user ${user}@'%' identified by 'secret'`)
    await admin.query(`grant select, insert, update, delete, create, index on test.* to sessions@'%'`)
    await admin.query(`grant create on test.* to other@'%'`)
    await admin.query(`create user whole@'%' identified by 'secret'`)
    await admin.query(`grant all on test.* to whole@'%'`)
    await admin.query(`create user wide@'%' identified by 'secret'`)
    await admin.query(`grant all on *.* to wide@'%'`)
    await useStore(urlOf('sessions'))
  }
  const started = runningServer(() => start({ settings: { 'innodb-flush-log-at-trx-commit': 1 } }), prepare)
  afterAll(() => admin?.end())

  const urlOf = (user: string): string => started().url.replace('databank:', `${user}:`)
  const doctorAs = (user: string, options: DoctorOptions = {}) => findingsOf(urlOf(user), options)

  test('a sound server, with a user of its own, has no warnings', async () => {
    const findings = await doctorAs('sessions')
    expect(problemsIn(findings)).toEqual([])
    expect(findings.map(({ subject }) => subject)).toEqual([
      'server',
      'durability',
      'clock',
      'TLS',
      'rights',
      'user',
      'indexes',
      'collation',
      'latency',
      'records',
    ])
    expect(findings[0]?.message).toMatch(new RegExp(`^${name} .*which the tests of this store run on`))
  })

  testEveryServer({
    sound: () => urlOf('sessions'),
    refused: () => urlOf('sessions').replace(':secret@', ':wrong@'),
    tls: /ssl/,
  })

  test('a user with rights on the whole server', async () => {
    const user = problem(await doctorAs('wide'), 'user')
    expect(user).toMatchObject({ level: 'warn', message: expect.stringContaining('on *.*') })
    for (const statement of user!.fix!.split('; ')) await admin.query(statement)
    expect(problemsIn(await doctorAs('wide'))).toEqual([])
  })

  test('a user with all rights on the database alone', async () => {
    expect(problemsIn(await doctorAs('whole'))).toEqual([])
  })

  test('a user without rights', async () => {
    const findings = await doctorAs('other')
    expect(problem(findings, 'rights')).toMatchObject({
      level: 'fail',
      message: 'missing on the table: select, insert, update, delete',
      fix: "grant select, insert, update, delete on `test`.`databank_sessions` to 'other'@'%'",
    })
    await admin.query(problem(findings, 'rights')!.fix!)
    expect(problemsIn(await doctorAs('other'))).toEqual([])
  })

  test('a table that is not there is not created', async () => {
    expect(problem(await doctorAs('sessions', { table: 'missing' }), 'table')).toMatchObject({
      level: 'warn',
      fix: 'start the application',
    })
    expect(problem(await doctorAs('sessions', { table: 'missing', createTable: false }), 'table')?.level).toBe('fail')
    const [tables] = await admin.query(`show tables like 'missing'`)
    expect(tables).toEqual([])
  })

  test('a table without indexes, of an engine that a crash can damage', async () => {
    await admin.query(
      'create table bare (id varbinary(200) not null, payload longtext, expires bigint, owner varbinary(1024), version bigint) engine = MyISAM',
    )
    const findings = await doctorAs('sessions', { table: 'bare' })
    expect(problem(findings, 'table')).toMatchObject({ level: 'warn', message: expect.stringContaining('MyISAM') })
    const indexes = findings.filter(({ subject }) => subject === 'indexes')
    expect(indexes.map(({ level }) => level)).toEqual(['fail', 'warn', 'warn'])
    for (const { fix } of [problem(findings, 'table')!, ...indexes]) await admin.query(fix!)
    expect(problemsIn(await doctorAs('sessions', { table: 'bare' }))).toEqual([])
  })

  test('a table of another store whose collation takes two ids for one', async () => {
    const options = { layout: 'express-mysql-session', table: 'loose' }
    await admin.query(
      'create table loose (session_id varchar(128) character set utf8mb4 collate utf8mb4_general_ci not null primary key, expires int unsigned not null, data mediumtext, index (expires))',
    )
    const collation = problem(await doctorAs('sessions', options), 'collation')
    expect(collation).toMatchObject({ level: 'warn', message: expect.stringContaining('utf8mb4_general_ci') })
    await admin.query(collation!.fix!)
    expect(problemsIn(await doctorAs('sessions', options))).toEqual([])
  })

  test('settings that lose sessions, and a server that is read-only', async () => {
    await admin.query('set global innodb_flush_log_at_trx_commit = 2')
    await admin.query('set global max_allowed_packet = 65536')
    await admin.query('set global read_only = 1')
    const findings = await doctorAs('sessions')
    expect(problem(findings, 'durability')).toMatchObject({ level: 'warn', fix: 'set global innodb_flush_log_at_trx_commit = 1' })
    expect(problem(findings, 'max_allowed_packet')?.level).toBe('warn')
    expect(problem(findings, 'role')?.level).toBe('fail')
    await admin.query('set global read_only = 0')
    for (const subject of ['durability', 'max_allowed_packet']) await admin.query(problem(findings, subject)!.fix!)
    expect(problemsIn(await doctorAs('sessions'))).toEqual([])
  })
})

test.skipIf(server('mariadb').missing)('MariaDB with TLS', async () => {
  const started = await startMariadb({ tls: true })
  try {
    const findings = await findingsOf(started.url, { poolOptions: { ssl: { ca: started.ca } } })
    expect(findings).toContainEqual({
      level: 'ok',
      subject: 'TLS',
      message: expect.stringMatching(/^the connection is encrypted/),
    })
  } finally {
    await started.stop()
  }
})
