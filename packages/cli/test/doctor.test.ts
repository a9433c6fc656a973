import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryBank } from '@connect-databank/memory'
import type { Bank, StoreOptions } from 'connect-databank'
import { encrypt } from 'connect-databank/backend'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { refusingPort } from '../../../testing/program.js'
import { clockFinding } from '../src/doctor/clock.ts'
import { isAtLeast, isLocalHost } from '../src/doctor/examination.ts'
import type { Finding } from '../src/doctor/finding.ts'
import { latency } from '../src/doctor/latency.ts'
import { sample } from '../src/doctor/sample.ts'
import { sqlite } from '../src/doctor/sqlite.ts'
import { versionFinding } from '../src/doctor/versions.ts'
import { backendOf } from '../src/urls.ts'
import { findingsOf, problem, problemsIn, useStore } from './doctor-support.ts'
import { entry, HOUR, memoryWith } from './move-support.ts'

const folder = fs.mkdtempSync(join(tmpdir(), 'doctor-'))
afterAll(() => fs.rmSync(folder, { recursive: true }))
const newPath = (): string => join(folder, randomUUID())

/** Root may write everywhere. */
const isRoot = process.getuid?.() === 0
const KEYS = ['a', 'b', 'c'].map((digit) => digit.repeat(64))

async function sampled(bank: Bank, options: Pick<StoreOptions, 'encryption' | 'hashIds'> = {}): Promise<Finding[]> {
  const findings: Finding[] = []
  for await (const finding of sample(bank, options)) findings.push(finding)
  return findings
}

describe('the connection', () => {
  test.each(['redis', 'postgres', 'mysql', 'mongodb'])('%s: no server', async (scheme) => {
    const path = scheme === 'redis' ? '0' : 'app'
    const { port } = await refusingPort()
    const findings = await findingsOf(`${scheme}://127.0.0.1:${port}/${path}`, { timeout: 500 })
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({
      level: 'fail',
      subject: 'connection',
      fix: 'start the server, or correct its address in the URL',
    })
  })

  test("wrong options and unknown schemes are the caller's mistakes", async () => {
    await expect(findingsOf('disk:.', { unknown: 1 })).rejects.toMatchObject({ code: 'DATABANK_INVALID_OPTION' })
    await expect(findingsOf('nosql:.')).rejects.toMatchObject({ code: 'DATABANK_UNKNOWN_SCHEME' })
  })

  test.each([
    ['redis', ['redis:', 'rediss:', 'valkey:', 'VALKEYS:']],
    ['postgres', ['postgres:', 'postgresql:']],
    ['mysql', ['mysql:', 'mariadb:']],
    ['mongodb', ['mongodb:', 'mongodb+srv:']],
    ['couchbase', ['couchbase:', 'couchbases:']],
    ['no backend', ['own:', 'constructor:']],
  ])('%s serves %j', (backend, schemes) => {
    expect(schemes.map((scheme) => backendOf(`${scheme}//host`) ?? 'no backend')).toEqual(schemes.map(() => backend))
  })

  test("a backend of the project's own: its latency and its records are examined", async () => {
    const bank = await memoryWith({ a: entry({}) })
    const findings = await findingsOf('own:', { schemes: { own: async () => ({ openBank: () => bank }) } })
    expect(findings.map(({ level, subject }) => `${level} ${subject}`)).toEqual(['ok latency', 'ok records'])
  })

  test('what the bank warns of is a finding, but not its clock, which is looked at', async () => {
    const own = async () => ({
      openBank: (_url: string, _options: object, context: { warn(message: string): void }) => {
        context.warn('a file among the sessions is ignored')
        context.warn('the clock of Redis is 5 s ahead')
        return new MemoryBank()
      },
    })
    expect(problemsIn(await findingsOf('own:', { schemes: { own } }))).toEqual([
      'warn bank: a file among the sessions is ignored',
    ])
  })
})

describe('latency', () => {
  test('is reported, and a slow database is a warning', async () => {
    expect((await latency(new MemoryBank())).level).toBe('ok')
    let now = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 60))
    const slow = await latency(new MemoryBank())
    clock.mockRestore()
    expect(slow).toMatchObject({ level: 'warn', message: expect.stringContaining('60 ms (p50), 60 ms (p99)') })
  })

  test('a read that fails is a failure', async () => {
    const closed = new MemoryBank()
    await closed.close()
    expect(await latency(closed)).toMatchObject({ level: 'fail', subject: 'latency' })
  })
})

describe('what servers have in common', () => {
  test('a clock that differs by more than a second is a warning', async () => {
    expect(await clockFinding('Redis', async () => Date.now() + 500)).toMatchObject({ level: 'ok' })
    expect(await clockFinding('Redis', async () => Date.now() + 10_500)).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(/^the clock of Redis is 1[01] s ahead/),
    })
    expect(await clockFinding('Redis', async () => Date.now() - 10_000)).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(/^the clock of Redis is 10 s behind/),
    })
  })

  test('a version that is too old is a failure', () => {
    expect(versionFinding('Redis', '6.0.16')).toMatchObject({ level: 'fail', fix: 'upgrade Redis to 8.2' })
    expect(versionFinding('Redis', '7.0.15')).toMatchObject({
      level: 'ok',
      message: 'Redis 7.0.15, which the tests of this store run on',
    })
    expect(versionFinding('PostgreSQL', '16.2')).toMatchObject({ level: 'ok', message: 'PostgreSQL 16.2; the tests run on 18' })
    expect(versionFinding('Redis', '7.01')).toMatchObject({ message: expect.stringContaining('the tests run on') })
    expect([isAtLeast('10.11.2', '10.6'), isAtLeast('10.5', '10.6'), isAtLeast('3.46.0', '3.46')]).toEqual([true, false, true])
  })

  test('only a server on this machine needs no TLS', () => {
    for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '[::1]', '']) expect(isLocalHost(host)).toBe(true)
    for (const host of ['10.0.0.1', 'redis.internal', '1270.0.1']) expect(isLocalHost(host)).toBe(false)
  })
})

describe('records', () => {
  test('sound ones, and none', async () => {
    expect(await sampled(await memoryWith({ a: entry({}), b: entry({}) }))).toEqual([
      { level: 'ok', subject: 'records', message: 'all 2 are sound' },
    ])
    expect(await sampled(new MemoryBank())).toMatchObject([{ level: 'ok', message: 'there are none' }])
  })

  test('corrupt ones: no JSON, no cookie', async () => {
    const bank = await memoryWith({
      a: { payload: '{', expires: null },
      b: { payload: '{"user":1}', expires: null },
      c: entry({}),
    })
    expect(problemsIn(await sampled(bank))).toEqual([
      'warn records: 2 of 3 records are no sessions, and count as missing: it is not the JSON of a session',
    ])
  })

  test('those that expired long ago', async () => {
    const bank = await memoryWith({ a: entry({}, Date.now() - 2 * HOUR), b: entry({}, Date.now() - HOUR / 2), c: entry({}) })
    const findings = await sampled(bank)
    expect(problemsIn(findings)).toEqual(['warn clean-up: 1 of 3 records expired more than an hour ago: nobody deletes them'])
    expect(findings[0]?.fix).toBe('npx @connect-databank/cli purge "$SESSION_URL"')
  })

  test('plain ones, and those of older and unknown keys, with encryption', async () => {
    const bank = await memoryWith({ plain: entry({}) })
    await encrypt(bank, { keys: [KEYS[0]!] }).save('newest', entry({}))
    await encrypt(bank, { keys: [KEYS[1]!] }).save('older', entry({}))
    await encrypt(bank, { keys: [KEYS[2]!] }).save('unknown', entry({}))
    const stored = await bank.read('newest')
    await bank.save('moved', stored!)
    const encryption = { keys: KEYS.slice(0, 2), acceptPlain: true }
    expect(problemsIn(await sampled(bank, { encryption }))).toEqual([
      'warn records: 1 of 5 records are no sessions, and count as missing: the record cannot be decrypted: it was changed',
      'warn encryption: 1 of 5 records are not encrypted',
      'warn encryption: 1 of 5 records are encrypted with an older key',
      'warn encryption: 1 of 5 records are encrypted with an unknown key, and count as missing',
    ])
    expect(problemsIn(await sampled(bank))).toEqual(['warn encryption: 4 of 5 records are encrypted, and no keys were given'])
  })

  test('those under plain ids, with hashIds', async () => {
    const bank = await memoryWith({ plain: entry({}), ['0'.repeat(64)]: entry({}) })
    expect(problemsIn(await sampled(bank, { hashIds: true }))).toEqual([
      'warn hashIds: 1 of 2 records are stored under plain ids',
    ])
    expect(problemsIn(await sampled(bank, { hashIds: false }))).toEqual([])
  })

  test('a thousand at most', async () => {
    const bank = await memoryWith(Object.fromEntries(Array.from({ length: 1_100 }, (_, index) => [`id ${index}`, entry({})])))
    expect(await sampled(bank)).toMatchObject([{ level: 'ok', message: 'the first 1,000 are sound' }])
  })

  test('says if it may not list them', async () => {
    const scan = () => {
      throw new Error('no right')
    }
    expect(problemsIn(await sampled({ ...new MemoryBank(), scan } as never))).toEqual(['warn records: could not look: no right'])
    expect(problemsIn(await sampled({} as never))).toEqual(['warn records: could not look: the bank cannot list its sessions'])
  })
})

test('memory: sessions end with the process', async () => {
  expect(problemsIn(await findingsOf('memory:'))).toHaveLength(1)
})

describe('files', () => {
  test('a folder that the store made is sound', async () => {
    const path = newPath()
    await useStore(`disk:${path}`)
    const findings = await findingsOf(`disk:${path}`)
    expect(problemsIn(findings)).toEqual([])
    expect(findings.map(({ subject }) => subject)).toEqual(['folder', 'modes', 'rights', 'file system', 'latency', 'records'])
  })

  test.each([
    ['755', 'warn', 'every user of this machine can read sessions'],
    ['750', 'warn', 'its group can read sessions'],
    ['777', 'fail', 'every user of this machine can change sessions'],
  ])('a folder of mode %s', async (mode, level, what) => {
    const path = newPath()
    await useStore(`disk:${path}`)
    fs.chmodSync(path, Number.parseInt(mode, 8))
    const finding = problem(await findingsOf(`disk:${path}`), 'modes')
    expect(finding).toMatchObject({ level, message: expect.stringContaining(what), fix: `chmod 700 ${path}` })
  })

  test('files that others may read, and a file that is no session', async () => {
    const path = newPath()
    await useStore(`disk:${path}`)
    const [file] = fs.readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => /[0-9a-f]{64}$/.test(name))
    fs.chmodSync(join(path, file!), 0o644)
    fs.copyFileSync(join(path, file!), join(path, file!.replace(/.$/, 'x')))
    const findings = await findingsOf(`disk:${path}`)
    expect(problem(findings, 'modes')).toMatchObject({
      message: '1 of 1 files can be read by other users',
      fix: `chmod -R go= ${path}`,
    })
    expect(problem(findings, 'bank')?.message).toMatch(/its name is not one of this store/)
  })

  test('a folder that is not there is not made; a file is none', async () => {
    const path = newPath()
    expect(problemsIn(await findingsOf(`disk:${path}`))).toEqual([
      `warn folder: ${path} does not exist; the store creates it on first use`,
    ])
    expect(fs.existsSync(path)).toBe(false)
    fs.writeFileSync(path, '')
    expect(problemsIn(await findingsOf(`disk:${path}`))).toEqual([`fail folder: ${path} is no folder`])
  })

  test.skipIf(isRoot)('a folder that this user may not write to', async () => {
    const path = newPath()
    await useStore(`disk:${path}`)
    fs.chmodSync(path, 0o500)
    expect(problem(await findingsOf(`disk:${path}`), 'rights')?.level).toBe('fail')
    expect(problem(await findingsOf(`disk:${path}/below`), 'folder')?.level).toBe('fail')
    fs.chmodSync(path, 0o700)
  })

  test.skipIf(!fs.existsSync('/dev/shm'))('a file system that is memory', async () => {
    const path = fs.mkdtempSync('/dev/shm/doctor-')
    expect(problem(await findingsOf(`disk:${path}`), 'file system')).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('tmpfs'),
    })
    fs.rmSync(path, { recursive: true })
  })

  test('file systems of the network, and a full one', async () => {
    const path = newPath()
    await useStore(`disk:${path}`)
    const none = { bsize: 4096, bfree: 1, bavail: 1, blocks: 100, files: 100, ffree: 50 }
    const statfs = vi.spyOn(fs, 'statfsSync').mockReturnValue({ ...none, type: 0x6969 })
    const findings = await findingsOf(`disk:${path}`)
    statfs.mockRestore()
    expect(problem(findings, 'file system')?.message).toMatch(/^NFS/)
    expect(problem(findings, 'space')?.message).toBe('1 % is free')
  })
})

describe('SQLite', () => {
  test('a file of this user alone that the store made is sound, and is left as it is', async () => {
    const path = newPath()
    await useStore(`sqlite:${path}`)
    fs.chmodSync(path, 0o600)
    const findings = await findingsOf(`sqlite:${path}`)
    expect(problemsIn(findings)).toEqual([])
    expect(findings.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['server', 'modes', 'rights', 'journal', 'integrity', 'indexes', 'latency', 'records']),
    )
  })

  test('a file that others may read, a table without indexes, a journal that makes readers wait', async () => {
    const path = newPath()
    await sqlOn(
      path,
      'create table databank_sessions (id text not null, expires integer not null, version integer not null, owner text, payload text not null)',
    )
    fs.chmodSync(path, 0o644)
    const findings = await findingsOf(`sqlite:${path}`)
    expect(problem(findings, 'modes')).toMatchObject({ level: 'warn', fix: `chmod 600 ${path}` })
    expect(problem(findings, 'journal')).toMatchObject({ level: 'warn', message: expect.stringContaining('journal mode delete') })
    const indexes = findings.filter(({ subject }) => subject === 'indexes')
    expect(indexes.map(({ level }) => level)).toEqual(['fail', 'warn', 'warn'])
    // The lines that are to be run make what is missing.
    for (const { fix } of indexes.slice(1)) await sqlOn(path, fix!)
    await sqlOn(path, 'pragma journal_mode = wal')
    const after = await findingsOf(`sqlite:${path}`)
    expect(problemsIn(after).filter((line) => !line.includes('modes'))).toEqual([
      'fail indexes: id has no primary key: each request reads the whole table',
    ])
    expect(await pragma(path, 'journal_mode')).toBe('wal')
  })

  test('does not change the journal, and makes no file and no table', async () => {
    const [path, other] = [newPath(), newPath()]
    expect(problemsIn(await findingsOf(`sqlite:${path}`))).toEqual([
      `warn file: ${path} does not exist; the store creates it on first use`,
    ])
    expect(fs.existsSync(path)).toBe(false)
    await sqlOn(other, 'create table others (id)')
    fs.chmodSync(other, 0o600)
    expect(problemsIn(await findingsOf(`sqlite:${other}`))).toContain(
      'warn table: "databank_sessions" does not exist; the store creates it on first use',
    )
    expect(problemsIn(await findingsOf(`sqlite:${other}`, { createTable: false }))).toContain(
      'fail table: "databank_sessions" does not exist, and createTable is false',
    )
    expect(await pragma(other, 'journal_mode')).toBe('delete')
  })

  test('the bank that reads the records cannot write', async () => {
    const path = newPath()
    await useStore(`sqlite:${path}`)
    const bank = await sqlite.openBank!({ url: `sqlite:${path}`, options: {}, store: {}, timeout: 1_000, warn: () => {} })
    await expect(bank.delete('a session')).rejects.toThrow()
    expect(await bank.read('a session')).not.toBeNull()
    await bank.close?.()
  })

  test('the table of another store', async () => {
    const path = newPath()
    await useStore(`sqlite:${path}`, { layout: 'connect-session-knex' })
    fs.chmodSync(path, 0o600)
    const findings = await findingsOf(`sqlite:${path}`, { layout: 'connect-session-knex' })
    expect(problemsIn(findings)).toEqual([])
    expect(findings).toContainEqual({ level: 'ok', subject: 'records', message: 'there is one, and it is sound' })
  })

  test('the parameters of the URL are options', async () => {
    const path = newPath()
    await useStore(`sqlite:${path}?table=others`)
    fs.chmodSync(path, 0o600)
    expect(await findingsOf(`sqlite:${path}?table=others`)).toContainEqual({
      level: 'ok',
      subject: 'records',
      message: 'there is one, and it is sound',
    })
    expect(problemsIn(await findingsOf(`sqlite:${path}?table=missing&createTable=false`))).toEqual([
      'fail table: "missing" does not exist, and createTable is false',
    ])
    await expect(findingsOf(`sqlite:${path}`, { unknown: 1 })).rejects.toMatchObject({ code: 'DATABANK_INVALID_OPTION' })
  })

  test('a damaged file', async () => {
    const path = newPath()
    await sqlOn(
      path,
      `create table databank_sessions (id text primary key, payload text); insert into databank_sessions values ('a', hex(zeroblob(9000)))`,
    )
    const bytes = fs.readFileSync(path)
    fs.writeFileSync(path, bytes.fill(7, 4096 + 8, 3 * 4096))
    const findings = await findingsOf(`sqlite:${path}`)
    expect(findings.filter(({ level }) => level === 'fail').map(({ subject }) => subject)).toContain('integrity')
    fs.writeFileSync(path, 'no database, but a text that is long enough')
    expect((await findingsOf(`sqlite:${path}`)).at(-1)).toMatchObject({ level: 'fail', subject: 'connection' })
  })

  test('a file on the network, a folder, a database in memory', async () => {
    const path = newPath()
    await useStore(`sqlite:${path}`)
    const statfs = vi
      .spyOn(fs, 'statfsSync')
      .mockReturnValue({ type: 0x6969, bsize: 1, bfree: 1, bavail: 1, blocks: 1, files: 1, ffree: 1 })
    expect(problem(await findingsOf(`sqlite:${path}`), 'file system')?.level).toBe('fail')
    statfs.mockRestore()
    expect(problemsIn(await findingsOf(`sqlite:${folder}`))).toEqual([`fail file: ${folder} is no file`])
    expect(problemsIn(await findingsOf('sqlite::memory:'))).toEqual([
      "warn file: none: sessions end with the application's process",
    ])
  })
})

interface Sqlite {
  exec(sql: string): void
  prepare(sql: string): { get(): Record<string, unknown> }
  close(): void
}

async function open(path: string): Promise<Sqlite> {
  const builtIn = process.getBuiltinModule?.('node:sqlite') as { DatabaseSync: new (path: string) => Sqlite } | undefined
  if (builtIn !== undefined) return new builtIn.DatabaseSync(path)
  const name: string = 'better-sqlite3'
  const { default: Driver } = (await import(name)) as { default: new (path: string) => Sqlite }
  return new Driver(path)
}

async function sqlOn(path: string, sql: string): Promise<void> {
  const database = await open(path)
  database.exec(sql)
  database.close()
}

async function pragma(path: string, name: string): Promise<unknown> {
  const database = await open(path)
  const value = database.prepare(`pragma ${name}`).get()[name]
  database.close()
  return value
}
