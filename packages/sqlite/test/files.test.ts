// What becomes of a file that cannot be used, or is no longer there.
import { execFileSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { scratchFolder, until } from '../../../testing/program.js'
import { SqliteBank, type SqliteBankOptions } from '../src/index.ts'
import { bundlePrograms, entry, HOUR, opened, sql } from './support.ts'

const isRoot = process.getuid?.() === 0
const NOBODY = 65_534

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function newFolder(): Promise<string> {
  const { path, remove } = await scratchFolder()
  ends.push(remove)
  return path
}

function newBank(path: string, options: Partial<SqliteBankOptions> = {}): SqliteBank {
  const bank = new SqliteBank({ path, ...options })
  ends.push(() => bank.close())
  return bank
}

describe('a bank', () => {
  it('creates the file and the folders above it on first use, and keeps everything when it is closed', async () => {
    const path = join(await newFolder(), 'not/there/yet', 'a ?#%\u00e9.db')
    const bank = newBank(path)
    expect(existsSync(path)).toBe(false)
    await bank.save('a', entry('a'))
    await bank.close()
    expect(readdirSync(dirname(path))).toEqual(['a ?#%\u00e9.db'])
    expect((await newBank(path).read('a'))?.payload).toBe('a')
    await expect(bank.read('a')).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
    await expect(bank.save('a', entry())).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
    await expect(bank.count(0)).rejects.toMatchObject({ code: 'DATABANK_CLOSED' })
  })

  it('is closed after what was under way, also if it was never used or could not be opened', async () => {
    const path = join(await newFolder(), 'a.db')
    const bank = new SqliteBank({ path })
    const saves = Array.from({ length: 500 }, (_, n) => bank.save(`id-${n}`, entry(String(n))))
    await bank.close()
    await Promise.all(saves)
    expect(await newBank(path).count(Date.now())).toBe(500)
    await new SqliteBank({ path: `${path}-2` }).close()
    const folder = new SqliteBank({ path: dirname(path) })
    await expect(folder.open()).rejects.toThrow()
    await folder.close()
    await folder.close()
  })

  it('in memory is gone when it is closed, and shares nothing with another one', async () => {
    const [one, other] = [newBank(':memory:'), newBank(':memory:')]
    await one.save('a', entry('a'))
    expect(await other.read('a')).toBe(null)
    expect((await one.read('a'))?.payload).toBe('a')
    expect(existsSync(':memory:')).toBe(false)
  })

  it('reads a number of any size that another program wrote as a time', async () => {
    const { path, another, close } = await opened()
    const bank = await another()
    await bank.save('a', entry('a'))
    sql(path, `update databank_sessions set expires = 9223372036854775807`)
    expect(await bank.read('a')).toMatchObject({ payload: 'a', expires: null })
    sql(path, `update databank_sessions set expires = -9223372036854775807`)
    expect((await bank.read('a'))?.expires).toBeLessThan(0)
    await close()
  })
})

describe('a path', () => {
  it('of a folder fails with a clear message', async () => {
    const path = await newFolder()
    await expect(newBank(path).read('a')).rejects.toMatchObject({
      code: 'DATABANK_BACKEND_FAILED',
      message: expect.stringContaining(`${path} is a folder`),
    })
  })

  it.skipIf(process.platform !== 'linux')(
    'in a folder that nobody can create fails with DATABANK_DENIED or an error, in time',
    async () => {
      const bank = newBank('/sys/nobody/sessions.db')
      await expect(bank.read('a')).rejects.toMatchObject({ code: 'DATABANK_DENIED' })
      await expect(newBank('/proc/nobody/sessions.db').read('a')).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
    },
  )

  it('below a file fails with an error of the system', async () => {
    const path = join(await newFolder(), 'file')
    writeFileSync(path, 'text')
    await expect(newBank(join(path, 'a.db')).read('a')).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
  })

  it('of a file that is no database fails with a clear message, leaves the file as it is, and works when it is away', async () => {
    const path = join(await newFolder(), 'text.db')
    const text = 'no database, but a text of some length\n'.repeat(100)
    writeFileSync(path, text)
    const bank = newBank(path)
    for (const work of [() => bank.read('a'), () => bank.save('a', entry()), () => bank.open()]) {
      await expect(work()).rejects.toMatchObject({
        code: 'DATABANK_BACKEND_FAILED',
        message: expect.stringContaining('file is not a database'),
      })
    }
    expect(readFileSync(path, 'utf8')).toBe(text)
    expect(readdirSync(dirname(path))).toEqual(['text.db'])
    rmSync(path)
    await bank.save('a', entry('a'))
    expect((await bank.read('a'))?.payload).toBe('a')
  })

  it('of a corrupt database fails with a clear message', async () => {
    const path = join(await newFolder(), 'a.db')
    const first = new SqliteBank({ path })
    for (let n = 0; n < 200; n++) await first.save(`id-${n}`, entry('x'.repeat(500)))
    await first.close()
    const bytes = readFileSync(path)
    bytes.fill(0x5a, 4_096)
    writeFileSync(path, bytes)
    const bank = newBank(path)
    const ids = Array.from({ length: 200 }, (_, n) => `id-${n}`)
    const outcomes = await Promise.allSettled([...ids.map((id) => bank.read(id)), bank.save('id-1', entry()), bank.count(0)])
    const failures = outcomes.filter(({ status }) => status === 'rejected').map((each) => (each as PromiseRejectedResult).reason)
    expect(failures.length).toBeGreaterThan(0)
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'DATABANK_BACKEND_FAILED', message: expect.stringContaining('malformed') })
    }
  })

  it('of a database that was cut off fails, and does not end the process', async () => {
    const path = join(await newFolder(), 'a.db')
    const first = new SqliteBank({ path })
    for (let n = 0; n < 200; n++) await first.save(`id-${n}`, entry('x'.repeat(500)))
    await first.close()
    truncateSync(path, statSync(path).size - 20_000)
    const bank = newBank(path)
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, (_, n) => bank.read(`id-${n}`)))
    const reasons = outcomes.filter(({ status }) => status === 'rejected').map((each) => (each as PromiseRejectedResult).reason)
    expect(reasons.length).toBeGreaterThan(0)
    for (const reason of reasons) expect(reason).toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
  })

  it('of a database with another table of this name fails with a clear message', async () => {
    const { path, another, close } = await opened()
    sql(path, 'create table databank_sessions (id text, name text)')
    await expect((await another()).read('a')).rejects.toMatchObject({
      code: 'DATABANK_BACKEND_FAILED',
      message: expect.stringContaining('databank_sessions'),
    })
    await close()
  })

  it('of a database without the table fails if none may be created, and works when it is there', async () => {
    const { path, another, close } = await opened({ createTable: false, table: 'my "sessions"' })
    const bank = await another()
    await expect(bank.read('a')).rejects.toMatchObject({ message: expect.stringContaining('does not exist') })
    const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
    const [, ddl] = /```sql\n(create table databank_sessions.*?)```/s.exec(readme)!
    for (const each of ddl!.replaceAll('databank_sessions', '__').split(';')) {
      const named = each.replaceAll(/__(\w*)/g, '"my ""sessions""$1"')
      if (named.trim() !== '') sql(path, named)
    }
    await bank.save('a', { ...entry('a'), owner: 'ada' })
    const plan = (where: string): string =>
      String(sql(path, `explain query plan select id from "my ""sessions""" where ${where}`)[0]!['detail'])
    expect(plan('expires <= 1')).toContain('INDEX')
    expect(plan(`owner = 'ada' and id > 'a'`)).toContain('INDEX')
    await close()
  })
})

describe('a table', () => {
  it('is created with its indexes or not at all', async () => {
    const { path, another, close } = await opened()
    sql(path, 'create table databank_sessions_owner (x)')
    await expect((await another()).save('a', entry())).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })
    expect(sql(path, `select name from sqlite_master`)).toEqual([{ name: 'databank_sessions_owner' }])
    sql(path, 'drop table databank_sessions_owner')
    await (await another()).save('a', entry())
    expect(sql(path, `select name from sqlite_master where sql like 'create%'`)).toHaveLength(3)
    await close()
  })
})

describe('a table whose collation takes two ids for one', () => {
  it('serves no session under another id', async () => {
    const { path, another, close } = await opened()
    const columns = 'expires integer not null, version integer not null, owner text, payload text not null'
    sql(path, `create table databank_sessions (id text collate nocase primary key, ${columns})`)
    const bank = await another()
    await bank.save('ID', entry())
    expect(await bank.read('ID')).not.toBeNull()
    expect(await bank.read('id')).toBeNull()
    expect(await bank.readMany(['id'])).toEqual([null])
    await close()
  })
})

describe('a file that goes away while it is open', () => {
  it('is created again by the next write; no write goes to the deleted one', async () => {
    const path = join(await newFolder(), 'sub', 'a.db')
    const bank = newBank(path)
    await bank.save('a', entry('a'))
    await bank.read('a')
    rmSync(dirname(path), { recursive: true })
    await bank.save('b', entry('b'))
    expect(await bank.read('a')).toBe(null)
    expect(sql(path, 'select id from databank_sessions')).toEqual([{ id: 'b' }])
  })

  it('and is another one then, with its log, is used as it is', async () => {
    const folder = await newFolder()
    const [path, backup] = [join(folder, 'a.db'), join(folder, 'backup.db')]
    const restored = new SqliteBank({ path: backup })
    await restored.save('a', entry('from the backup'))
    await restored.close()
    const bank = newBank(path)
    await bank.save('a', entry('a'))
    await bank.save('b', entry('b'))
    for (const end of ['-wal', '-shm']) rmSync(path + end)
    renameSync(backup, path)
    await bank.touch('a', Date.now() + HOUR, Date.now())
    expect((await bank.read('a'))?.payload).toBe('from the backup')
    expect(await bank.read('b')).toBe(null)
  })

  it('is noticed within a second by reads alone', async () => {
    const path = join(await newFolder(), 'a.db')
    const bank = newBank(path)
    await bank.save('a', entry('a'))
    rmSync(path)
    await until(async () => (await bank.read('a')) === null, 'the deleted file to be noticed', 3_000)
  })

  it('a table that goes away is created again', async () => {
    const { path, another, close } = await opened()
    const bank = await another()
    await bank.save('a', entry('a'))
    sql(path, 'drop table databank_sessions')
    expect(await Promise.all([bank.read('a'), bank.count(Date.now())])).toEqual([null, 0])
    await bank.save('a', entry('a'))
    sql(path, 'alter table databank_sessions add column more text')
    expect((await bank.read('a'))?.payload).toBe('a')
    await close()
  })
})

describe('without rights', () => {
  // Windows has other rights.
  it.skipIf(process.platform === 'win32')('it is DATABANK_DENIED, and works when it is allowed', async () => {
    const folder = await newFolder()
    const programs = await bundlePrograms()
    ends.push(() => programs.remove())
    // Nothing is denied to root.
    if (isRoot) chownSync(folder, NOBODY, NOBODY)
    const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
    const program = join(programs.folder, 'rights.js')
    const seen = JSON.parse(execFileSync(process.execPath, [program, folder], { cwd: '/', encoding: 'utf8', ...user }))
    const denied = 'DENIED DENIED DENIED DENIED DENIED'
    expect(seen).toEqual({
      'read-only file': `done a ${denied}`,
      'read-only file, allowed again': 'done',
      'forbidden file': `DENIED DENIED ${denied}`,
      'forbidden file, allowed again': 'done',
      'read-only folder': `DENIED DENIED ${denied}`,
      'read-only folder, allowed again': 'done',
      'forbidden folder': `DENIED DENIED ${denied}`,
      'forbidden folder, allowed again': 'done',
      'missing folder': 'DATABANK_DENIED',
    })
  })
})

describe('without space', () => {
  it('in the database, it is DATABANK_FULL for what is new; the rest goes on', async () => {
    const { path, another, close } = await opened()
    const bank = await another()
    await bank.save('kept', entry('kept'))
    const { Database } = await import('../src/engines.ts')
    const all = Database.prototype.all
    // The limit is one of the connection: it is set on the bank's own.
    Database.prototype.all = function (...given) {
      Database.prototype.all = all
      this.exec('pragma max_page_count = 40')
      return all.apply(this, given)
    }
    await bank.read('kept')
    const text = 'x'.repeat(20_000)
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => bank.save(`large-${n}`, entry(text))))
    const failures = outcomes.filter((each) => each.status === 'rejected')
    expect(failures.length).toBeGreaterThan(5)
    expect(failures.length).toBeLessThan(20)
    for (const { reason } of failures) expect(reason).toMatchObject({ code: 'DATABANK_FULL' })
    for (const [n, { status }] of outcomes.entries()) {
      expect((await bank.read(`large-${n}`))?.payload.length).toBe(status === 'fulfilled' ? 20_000 : undefined)
    }
    await bank.touch('kept', Date.now() + HOUR, Date.now())
    const saved = outcomes.findIndex(({ status }) => status === 'fulfilled')
    expect(await bank.delete(`large-${saved}`)).toBe(true)
    await bank.save('new', entry(text))
    expect(sql(path, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])
    await close()
  })

  it.skipIf(!canMount())(
    'on the disk, it is DATABANK_FULL, nothing that was acknowledged is lost, and it goes on when there is space',
    async () => {
      const folder = await newFolder()
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=700', 'tmpfs', folder])
      try {
        const path = join(folder, 'a.db')
        const [bank, other] = [new SqliteBank({ path }), new SqliteBank({ path })]
        const saved: string[] = []
        let failure: unknown
        for (let n = 0; failure === undefined && n < 1_000; n++) {
          const id = `session-${n}`
          await (n % 2 ? bank : other).save(id, entry('x'.repeat(9_000))).then(
            () => saved.push(id),
            (error) => {
              failure = error
            },
          )
        }
        expect(failure).toMatchObject({ code: 'DATABANK_FULL' })
        for (const id of saved) expect((await bank.read(id))?.payload.length, id).toBe(9_000)
        execFileSync('mount', ['-o', 'remount,size=8m', folder])
        for (const each of [bank, other]) await each.save('new', entry('new'))
        for (const id of saved) expect((await other.read(id))?.payload.length, id).toBe(9_000)
        expect(sql(path, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])
        await Promise.all([bank.close(), other.close()])
      } finally {
        execFileSync('umount', ['-l', folder])
      }
    },
  )

  it.skipIf(!canMount())('for the log alone, writes succeed again after the next checkpoint', async () => {
    const folder = await newFolder()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=700', 'tmpfs', folder])
    try {
      const path = join(folder, 'a.db')
      const bank = new SqliteBank({ path })
      for (let n = 0; n < 100; n++) await bank.save(`session-${n}`, entry('x'.repeat(4_000)))
      await bank.close()
      const again = new SqliteBank({ path })
      const touchAll = (time: number): Promise<unknown> =>
        Promise.all(Array.from({ length: 100 }, (_, n) => again.touch(`session-${n}`, time, Date.now())))
      let failure: unknown
      for (let n = 0; failure === undefined && n < 1_000; n++) {
        await touchAll(Date.now() + HOUR + n).catch((error) => {
          failure = error
        })
      }
      expect(failure).toMatchObject({ code: 'DATABANK_FULL' })
      await until(() => again.delete('session-5').then(Boolean, () => false), 'a delete to succeed', 5_000)
      expect(await again.read('session-5')).toBe(null)
      await again.close()
    } finally {
      execFileSync('umount', ['-l', folder])
    }
  })
})

function canMount(): boolean {
  if (!isRoot || process.platform !== 'linux') return false
  const folder = `/tmp/connect-databank-mount-${process.pid}`
  mkdirSync(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe.skipIf(process.platform === 'win32')('the mode', () => {
  it('of a new file and of the files beside it is for its owner alone', async () => {
    const path = join(await newFolder(), 'sessions.db')
    await newBank(path).save('a', entry('1'))
    const names = readdirSync(dirname(path))
    expect(names).toContain('sessions.db-wal')
    expect(names.map((name) => [name, statSync(join(dirname(path), name)).mode & 0o777])).toEqual(
      names.map((name) => [name, 0o600]),
    )
  })

  it('of a new file behind a link is for its owner alone, and the file is as durable as any', async () => {
    const folder = await newFolder()
    const [path, file] = [join(folder, 'link.db'), join(folder, 'shared.db')]
    symlinkSync('shared.db', path)
    const bank = newBank(path, { durable: true })
    await bank.save('a', entry('1'))
    expect((await bank.read('a'))?.payload).toBe('1')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600)
  })

  it('of a file that is there already stays', async () => {
    const path = join(await newFolder(), 'sessions.db')
    writeFileSync(path, '', { mode: 0o640 })
    await newBank(path).save('a', entry('1'))
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })
})
