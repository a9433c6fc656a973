import fs from 'node:fs'
import { resolve } from 'node:path'
import {
  type Bank,
  type BankContext,
  type BankDescription,
  DEFAULT_CONTEXT,
  type Entry,
  Lifecycle,
  makeDirectory,
  SharedTimeSlice,
  type Stored,
  type Touch,
} from 'connect-databank/backend'
import { codeIn, errorOf, isOfOneFile, isSharingViolation } from './errors.ts'
import { DIRECTORY_MODE, isPast, readExpires, readOurs, readSession, removeFile, touchFile, type Unusable } from './files.ts'
import { type Found, hashOf, Layout } from './layout.ts'
import { isAbandoned, removeIfStale } from './locks.ts'
import { checkDiskOptions, type DiskBankOptions } from './options.ts'
import { Sessions } from './sessions.ts'

/** The part of the store's `timeout` that an operation waits for a lock. */
const PATIENCE = 0.8
/** The most files with a warning. */
const MOST_WARNINGS = 1_000

/**
 * Keeps sessions in files, for many processes of one machine. layout.ts describes the files, locks.ts the locks between processes.
 *
 * Methods reject with DATABANK_DENIED (rights), DATABANK_FULL (space, quota, limit), DATABANK_UNAVAILABLE (the directory cannot be
 * created, too many open files, a lock is held too long), DATABANK_CLOSED, DATABANK_BACKEND_FAILED (the rest).
 */
export class DiskBank implements Bank {
  readonly name = 'disk'
  readonly isLocal = true
  readonly #layout: Layout
  readonly #durable: boolean
  readonly #sessions: Sessions
  readonly #slice = new SharedTimeSlice()
  readonly #lifecycle: Lifecycle<Sessions>
  readonly #context: BankContext
  readonly #warned = new Set<string>()

  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: DiskBankOptions, context: BankContext = DEFAULT_CONTEXT) {
    checkDiskOptions(options)
    const { timeout } = context
    this.#context = context
    this.#layout = new Layout(resolve(options.path))
    this.#durable = options.durable ?? false
    const patience = timeout * PATIENCE
    this.#sessions = new Sessions({ layout: this.#layout, durable: this.#durable, patience, slice: this.#slice })
    this.#lifecycle = new Lifecycle({ name: 'DiskBank', open: async () => this.#sessions, errorOf, closeTimeout: timeout })
  }

  /** Creates the directory if needed, and rejects if it is not writable. */
  open(): Promise<void> {
    return this.#run(async () => {
      makeDirectory(this.#layout.root, DIRECTORY_MODE)
      fs.accessSync(this.#layout.root, fs.constants.W_OK)
    })
  }

  read(id: string): Promise<Stored | null> {
    const path = this.#layout.pathOf(id)
    const read = (): Stored | null => this.#sessions.read(path, id)
    return this.#runAtOnce(read) ?? this.#run(() => this.#sessions.retry(path, async () => read()))
  }

  readMany(ids: readonly string[]): Promise<(Stored | null)[]> {
    return this.#run(async () => {
      const stored: (Stored | null)[] = []
      for (const id of ids) {
        await this.#slice.wait()
        stored.push(this.#sessions.read(this.#layout.pathOf(id), id))
      }
      return stored
    })
  }

  save(id: string, entry: Entry): Promise<void> {
    return this.#run(() => this.#sessions.save(this.#layout.pathOf(id), id, entry))
  }

  swap(id: string, expected: string | null, entry: Entry, now: number): Promise<string | null> {
    return this.#run(async () => {
      const swapped = await this.#sessions.swap(this.#layout.pathOf(id), id, expected, entry, now)
      return swapped ? entry.payload : null
    })
  }

  delete(id: string): Promise<boolean> {
    return this.#run(() => this.#sessions.delete(this.#layout.pathOf(id)))
  }

  touch(id: string, expires: number | null, now: number): Promise<void> {
    const path = this.#layout.pathOf(id)
    const touched = this.#durable ? undefined : this.#runAtOnce(() => touchFile(path, expires, now))
    return touched ?? this.#run(() => this.#sessions.touch(path, expires, now))
  }

  touchMany(touches: readonly Touch[], now: number): Promise<void> {
    return this.#run(async () => {
      for (const [id, expires] of touches) {
        await this.#slice.wait()
        await this.#sessions.touch(this.#layout.pathOf(id), expires, now)
      }
    })
  }

  scan(): AsyncGenerator<readonly [id: string, stored: Stored]> {
    return this.#lifecycle.stream(() => this.#entries())
  }

  async *#entries(): AsyncGenerator<readonly [id: string, stored: Stored]> {
    for await (const file of this.#files()) {
      const record = this.#usable(file, readSession)
      if (record === null) continue
      const { id, payload, expires, owner } = record
      if (file.path.endsWith(hashOf(id))) yield [id, { payload, expires, owner }]
      else this.#warn(file.path, 'it is a copy of the file of another session')
    }
  }

  /** Reads the first bytes of each file: one whose end is damaged is counted. */
  count(now: number): Promise<number> {
    return this.#run(async () => {
      let live = 0
      for await (const file of this.#files()) {
        const record = this.#usable(file, readExpires)
        if (record !== null && !isPast(record, now)) live++
      }
      return live
    })
  }

  /** Leaves the files that this store did not write. */
  clear(): Promise<void> {
    return this.#run(() =>
      this.#sweep(async (file) => {
        if (this.#usable(file, readOurs) !== null) await this.#sessions.delete(file.path)
      }),
    )
  }

  /** Removes expired sessions, and the locks and temporary files of processes that were killed. */
  purge(now: number): Promise<number> {
    return this.#run(async () => {
      let removed = 0
      await this.#sweep((file) => {
        const record = this.#usable(file, readExpires)
        if (record !== null && isPast(record, now) && this.#sessions.removeExpired(file.path, now)) removed++
      })
      return removed
    })
  }

  describe(): Promise<BankDescription> {
    return this.#run(async () => ({ server: `files in ${this.#layout.root}` }))
  }

  close(): Promise<void> {
    return this.#lifecycle.close()
  }

  /** Runs an operation when it is its turn. Its errors get their codes, and `close` waits for it. */
  #run<Result>(operation: () => Promise<Result>): Promise<Result> {
    return this.#lifecycle.run(async () => {
      // Not awaited if there is nothing to wait for: then each of many calls in one turn sees the time that the earlier calls took.
      const turn = this.#slice.wait()
      if (turn !== undefined) await turn
      return operation()
    })
  }

  /**
   * For the most frequent operations: they take microseconds, as long as `#run` itself, and end before `close` could wait for them.
   * Returns undefined if the operation has to wait, because the time slice is used up or Windows has the file in use.
   */
  #runAtOnce<Result>(operation: () => Result): Promise<Result> | undefined {
    if (this.#lifecycle.isClosed || !this.#slice.isFree()) return undefined
    try {
      return Promise.resolve(operation())
    } catch (error) {
      return isSharingViolation(error) ? undefined : Promise.reject(errorOf(error))
    }
  }

  /** Calls `visit` for each session, and removes files of killed processes. A failure does not end the work for the other sessions. */
  async #sweep(visit: (session: Found) => Promise<void> | void): Promise<void> {
    const failures: unknown[] = []
    for await (const file of this.#files()) {
      try {
        if (file.kind === 'session') await visit(file)
        else if (file.kind === 'lock') removeIfStale(file.path, this.#sessions.makeSpace)
        else if (isAbandoned(file.path)) removeFile(file.path)
      } catch (error) {
        // Another process has removed it, or Windows has it in use.
        if (codeIn(error) !== 'ENOENT' && !isSharingViolation(error)) failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  #files(): AsyncGenerator<Found> {
    return this.#layout.files(this.#slice, this.#warn)
  }

  /** The result of `read` for a session's file; null for other files and, with a warning, for unusable or unreadable ones. */
  #usable<Result extends object>({ path, kind }: Found, read: (path: string) => Result | Unusable | null): Result | null {
    if (kind !== 'session') return null
    try {
      const result = read(path)
      if (result === null || !('unusable' in result)) return result
      this.#warn(path, result.unusable)
    } catch (error) {
      if (!isOfOneFile(error)) throw error
      this.#warn(path, `it cannot be read (${codeIn(error)})`)
    }
    return null
  }

  readonly #warn = (path: string, reason: string): void => {
    if (this.#warned.has(path) || this.#warned.size >= MOST_WARNINGS) return
    this.#warned.add(path)
    this.#context.warn(`a file among the sessions is ignored: ${reason}: ${path}`, { path, reason })
  }
}
