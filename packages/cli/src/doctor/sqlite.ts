import fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Bank, DatabankError } from 'connect-databank/backend'
import { IN_MEMORY, pathOf } from '../urls.ts'
import { importClient, importPackage } from './clients.ts'
import { type Examiner, type Subject, Unusable } from './examination.ts'
import { fileSystemFindings, isWritable, modeFinding, shellQuoted } from './files.ts'
import { type Finding, fail, messageOf, ok, warn } from './finding.ts'
import { indexFindings, tableOf } from './tables.ts'
import { versionFinding } from './versions.ts'

/** The common interface of both engines. */
interface Driver {
  prepare(sql: string): { all(...parameters: readonly unknown[]): Readonly<Record<string, unknown>>[] }
  close(): void
}

type DriverClass = new (path: string, options: object) => Driver

/** A larger file takes too long to check. */
const LARGEST_CHECKED = 64 * 1024 * 1024
/** The store truncates its write-ahead log long before. */
const LONG_LOG = 128 * 1024 * 1024

export const sqlite: Examiner = {
  async *examine(given) {
    const subject = withParameters(given)
    const path = fileOf(subject)
    yield* lookAtFile(path)
    const driver = await open(subject, path)
    try {
      yield* lookAtDatabase(driver, path)
      yield* lookAtTable(driver, subject)
    } finally {
      driver.close()
    }
  },

  async openBank(given) {
    const subject = withParameters(given)
    return readOnlyBank(subject, await open(subject, fileOf(subject)))
  },
}

/** The parameters of the URL are options, as they are for the bank. */
function withParameters(subject: Subject): Subject {
  const parameters = Object.fromEntries(new URL(subject.url).searchParams)
  const isCreated = parameters['createTable'] !== 'false'
  return { ...subject, options: { ...parameters, createTable: isCreated, ...subject.options } }
}

function fileOf({ url, options }: Subject): string {
  const path = String(options['path'] ?? pathOf(url))
  return path === IN_MEMORY ? path : resolve(path)
}

function* lookAtFile(path: string): Generator<Finding> {
  if (path === IN_MEMORY) {
    yield warn('file', "none: sessions end with the application's process", 'SESSION_URL=sqlite:./sessions.db')
    throw new Unusable()
  }
  const stat = fs.statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) {
    yield warn('file', `${path} does not exist; the store creates it on first use`, 'start the application')
    throw new Unusable()
  }
  if (!stat.isFile()) {
    yield fail('file', `${path} is no file`, 'name a file in the URL')
    throw new Unusable()
  }
  yield ok('file', path)
  yield modeFinding(path, 'the file', 0o600)
  if (!isWritable(path))
    yield fail('rights', 'this user may not write to the file', `sudo chown ${process.getuid?.() ?? '…'} ${shellQuoted(path)}`)
  else if (!isWritable(dirname(path)))
    yield fail('rights', 'this user may not make the write-ahead log beside the file', `chmod u+w ${shellQuoted(dirname(path))}`)
  else yield ok('rights', 'this user may read and write')
  // The index of the write-ahead log is shared memory, which other machines do not see.
  yield* fileSystemFindings(dirname(path), 'fail')
}

async function open({ options }: Subject, path: string): Promise<Driver> {
  const builtIn = process.getBuiltinModule?.('node:sqlite') as { DatabaseSync: DriverClass } | undefined
  try {
    if (builtIn !== undefined && options['engine'] !== 'better-sqlite3') return new builtIn.DatabaseSync(path, { readOnly: true })
    const Driver = await importClient<DriverClass>('sqlite', 'better-sqlite3')
    return new Driver(path, { readonly: true, fileMustExist: true })
  } catch (error) {
    throw new DatabankError('DATABANK_BACKEND_FAILED', `SQLite: ${messageOf(error)}`, { cause: error })
  }
}

function* lookAtDatabase(driver: Driver, path: string): Generator<Finding> {
  const value = (sql: string): unknown => Object.values(driver.prepare(sql).all()[0] ?? {})[0]
  yield versionFinding('SQLite', String(value('select sqlite_version()')))
  const mode = value('pragma journal_mode')
  if (mode === 'wal') yield ok('journal', 'write-ahead log: readers do not wait for writers')
  else
    yield warn(
      'journal',
      `journal mode ${mode}: readers wait for writers; the store changes it at its first write`,
      'pragma journal_mode = wal',
    )
  const log = fs.statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  if (log > LONG_LOG)
    yield warn(
      'journal',
      `the write-ahead log has ${Math.round(log / 2 ** 20)} MiB: a reader may be holding it`,
      'pragma wal_checkpoint(truncate)',
    )
  if (fs.statSync(path).size > LARGEST_CHECKED) return
  const check = value('pragma quick_check(1)')
  if (check === 'ok') yield ok('integrity', 'quick_check found nothing')
  else yield fail('integrity', String(check), `sqlite3 ${shellQuoted(path)} .recover`)
}

function* lookAtTable(driver: Driver, { options }: Subject): Generator<Finding> {
  const names = tableOf(options)
  const quoted = `"${names.table.replaceAll('"', '""')}"`
  const [table] = driver.prepare(`select name from sqlite_schema where type = 'table' and name = ?`).all(names.table)
  if (table === undefined) {
    if (options['createTable'] === false)
      yield fail('table', `${quoted} does not exist, and createTable is false`, 'createTable: true')
    else yield warn('table', `${quoted} does not exist; the store creates it on first use`, 'start the application')
    throw new Unusable()
  }
  const indexed = driver
    .prepare('select (select name from pragma_index_info(i.name) where seqno = 0) as name from pragma_index_list(?) as i')
    .all(names.table)
  const findings = indexFindings(
    names,
    indexed.map((row) => String(row['name'])),
    quoted,
  )
  for (const finding of findings) {
    const fix = finding.fix?.replace(/^create index on (.*) \((\w+)/, `create index "${names.table}_$2" on $1 ($2`)
    yield { ...finding, ...(fix !== undefined && { fix }) }
  }
}

/** The store's own bank would switch the journal mode, and create missing files and tables. */
async function readOnlyBank({ options, timeout, warn: tell }: Subject, driver: Driver): Promise<Bank> {
  const { sqliteDialect } = await importPackage<{ sqliteDialect: object }>('sqlite')
  const { SqlBank } = await importPackage<{ SqlBank: new (options: object, context: object) => Bank }>(
    'sqlite',
    '@connect-databank/sql',
  )
  const { table, layout, schema } = options
  const named = Object.fromEntries(Object.entries({ table, layout, schema }).filter(([, value]) => value !== undefined))
  const execute = async (text: string, parameters: readonly unknown[]) => ({
    rows: driver.prepare(text).all(...parameters),
    count: 0,
  })
  const close = async (): Promise<void> => driver.close()
  return new SqlBank({ ...named, dialect: sqliteDialect, execute, close, createTable: false }, { timeout, warn: tell })
}
