import { realpathSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Result } from '@connect-databank/sql'
import { type BankContext, closedError, makeDirectory } from 'connect-databank/backend'
import { type Database, type Engine, loadEngine } from './engines.ts'
import { codeOf, openError } from './errors.ts'
import { createPrivate, fileAt } from './files.ts'
import { MEMORY, type SqliteBankOptions } from './options.ts'
import { StatementQueue } from './statement-queue.ts'
import { WriteAheadLog } from './write-ahead-log.ts'

/** How often readers check whether the file still exists, in milliseconds. Writers check before each transaction. */
const CHECK_INTERVAL = 1_000

const SETTINGS = [
  // A wait for a lock would block the event loop.
  'busy_timeout = 0',
  // Sessions are small. In pages of 4 KiB, those of 2 kB take twice the space, and a touch writes twice as much. For a new file only.
  'page_size = 2048',
  // In KiB: how many pages are kept in memory.
  'cache_size = -16000',
]

const NO_ROWS: Result['rows'] = []

/** One connection to a file, opened again when the file no longer exists. */
export class SqliteConnection {
  readonly #options: SqliteBankOptions
  readonly #context: BankContext
  readonly #path: string
  readonly #reads: StatementQueue
  readonly #writes: StatementQueue
  #database: Database | undefined
  #engine: Engine | undefined
  /** The database that has been prepared for writes. */
  #writable: Database | undefined
  /** Absent before the first write, and without such a log: in memory, and on some file systems. */
  #log: WriteAheadLog | undefined
  #opening: Promise<Database> | undefined
  /** The identity of the file that was opened. */
  #file: string | undefined
  #checkedAt = 0
  #isClosed = false

  constructor(options: SqliteBankOptions, context: BankContext) {
    const { path } = options
    this.#options = options
    this.#context = context
    this.#path = path === MEMORY ? path : resolve(path)
    this.#reads = new StatementQueue({ path, begin: 'begin', database: () => this.#current(CHECK_INTERVAL) })
    this.#writes = new StatementQueue({
      path,
      begin: 'begin immediate',
      database: () => this.#currentForWriting(),
      committed: () => this.#committed(),
      failed: (error) => this.#failed(error),
    })
  }

  /** Runs a statement. Several in one text are run as one. */
  execute(sql: string, parameters: readonly unknown[], timeout: number): Promise<Result> {
    if (sql.startsWith('select')) {
      return this.#reads.run((database) => ({ rows: database.all(sql, parameters), count: 0 }), timeout)
    }
    const work = sql.startsWith('create') ? script : runOne
    return this.#writes.run((database) => ({ rows: NO_ROWS, count: work(database, sql, parameters) }), timeout)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#opening?.catch(() => {})
    await this.#release()
  }

  /** The open database. @param maxAge how old the last check of the file's existence may be, in milliseconds */
  async #current(maxAge: number): Promise<Database> {
    if (this.#isClosed) throw closedError('SQLiteBank')
    if (this.#database !== undefined) {
      const now = performance.now()
      if (now - this.#checkedAt < maxAge) return this.#database
      this.#checkedAt = now
      if (fileAt(this.#path) === this.#file) return this.#database
      this.#forget()
    }
    this.#opening ??= this.#open()
    return this.#opening
  }

  async #currentForWriting(): Promise<Database> {
    await this.#log?.pause
    const database = await this.#current(0)
    if (this.#writable !== database) this.#prepareForWriting(database)
    return database
  }

  /** Not before the first write: the file may belong to another program, if the path is wrong, and readers may lack the right to write. */
  #prepareForWriting(database: Database): void {
    try {
      if (useLog(database)) this.#log = this.#openLog(database)
      else this.#useNoLog(database)
      this.#writable = database
    } catch (error) {
      this.#failed(error)
      throw openError(this.#path, error)
    }
  }

  /** The next statement opens the file again. */
  #forget(): void {
    void this.#release().catch(() => {})
  }

  async #release(): Promise<void> {
    const [database, log] = [this.#database, this.#log]
    this.#database = undefined
    this.#log = undefined
    database?.close()
    // The thread closes its connection last, which moves the rest of the log to the file.
    await log?.close()
  }

  #failed(error: unknown): void {
    // A connection that was opened read-only stays read-only until the file is opened again.
    if (codeOf(error as object) === 'DATABANK_DENIED' && this.#path !== MEMORY) this.#forget()
  }

  #committed(): Promise<void> | undefined {
    this.#log?.checkpointSoon()
    return this.#options.durable ? this.#log?.flush() : undefined
  }

  async #open(): Promise<Database> {
    try {
      if (this.#path !== MEMORY) makeDirectory(dirname(this.#path))
      const engine = await loadEngine(this.#options.engine)
      if (this.#path !== MEMORY) await createPrivate(this.#path)
      const database = engine.open(this.#path)
      try {
        for (const setting of SETTINGS) database.exec(`pragma ${setting}`)
        this.#file = fileAt(this.#path)
        this.#checkedAt = performance.now()
      } catch (error) {
        database.close()
        throw error
      }
      this.#engine = engine
      this.#database = database
      return database
    } catch (error) {
      throw openError(this.#path, error)
    } finally {
      this.#opening = undefined
    }
  }

  #openLog(database: Database): WriteAheadLog {
    // Commits flush nothing and make no checkpoints: the log does both outside the event loop.
    database.exec('pragma synchronous = normal; pragma wal_autocheckpoint = 0')
    // SQLite has the log beside the file itself, not beside a link to it.
    return new WriteAheadLog(realpathSync(this.#path), this.#engine!.module, () => {
      if (this.#database === database) database.exec('pragma wal_autocheckpoint = 1000')
    })
  }

  #useNoLog(database: Database): void {
    if (this.#path === MEMORY) return
    database.exec('pragma synchronous = full')
    this.#context.warn(`SQLite: ${this.#options.path} is where no write-ahead log can be, so readers wait for writers`)
  }
}

/** Switches the file to a write-ahead log. Returns whether it has one. */
function useLog(database: Database): boolean {
  const [row] = database.all('pragma journal_mode = wal')
  return Object.values(row!)[0] === 'wal'
}

function runOne(database: Database, sql: string, parameters: readonly unknown[]): number {
  return database.run(sql, parameters)
}

/** Runs several statements as one. Inside a transaction, that is a part of it. */
function script(database: Database, sql: string): number {
  database.exec(`savepoint script; ${sql}; release script`)
  return 0
}
