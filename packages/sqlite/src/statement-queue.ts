// Imported, because Jest's jsdom environment has no global setImmediate.
import { setImmediate } from 'node:timers'
import { setTimeout as sleep } from 'node:timers/promises'
import { TimeSlice } from 'connect-databank/backend'
import type { Database } from './engines.ts'
import { isBusy, lockedError } from './errors.ts'

/** The most statements of one transaction. Its commit writes all changed pages, which takes time as well. */
const MAX_STATEMENTS = 128
/** The longest wait before another attempt, while another connection has the lock, in milliseconds. */
const LONGEST_WAIT = 3

interface Job {
  readonly work: (database: Database) => unknown
  readonly timeout: number
  /** The first time when it found a lock, on the clock of `performance`. */
  lockedSince: number | undefined
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
}

export interface StatementQueueOptions {
  readonly path: string
  /** The statement that begins a transaction. */
  readonly begin: 'begin' | 'begin immediate'
  database(): Promise<Database>
  /** Called after each commit. Results are reported when its promise, if it returns one, has resolved. */
  committed?(): Promise<void> | undefined
  /** Called for each error but a lock. */
  failed?(error: unknown): void
}

/**
 * Runs statements in their order, after the callback that sent them. Statements that arrive together, or while another connection has the
 * lock, share one transaction, because a transaction costs half as much as a small statement. Each transaction takes at most a few
 * milliseconds, and the event loop runs in between.
 *
 * SQLite's own wait for a lock would block the event loop, so it is off: a transaction that finds a lock has changed nothing, and is
 * tried again after a random wait, so that all processes get the lock in turn.
 */
export class StatementQueue {
  readonly #options: StatementQueueOptions
  readonly #waiting: Job[] = []
  /** How many jobs at the beginning run in a transaction of their own, because one of them has failed. */
  #single = 0
  #isRunning = false

  constructor(options: StatementQueueOptions) {
    this.#options = options
  }

  /** @param timeout how long it may wait for a lock, in milliseconds */
  run<T>(work: (database: Database) => T, timeout: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, timeout, lockedSince: undefined, resolve, reject })
      if (this.#isRunning) return
      this.#isRunning = true
      setImmediate(() => void this.#runAll())
    })
  }

  /** Resolves when nothing waits. */
  async #runAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const isLocked = !(await this.#runSome())
      if (this.#waiting.length === 0) break
      await (isLocked ? sleep(Math.random() * LONGEST_WAIT) : nextTurn())
    }
    this.#isRunning = false
  }

  /** Runs the first jobs. Returns whether there was no lock. */
  async #runSome(): Promise<boolean> {
    try {
      const database = await this.#options.database()
      if (this.#single > 0 || this.#waiting.length === 1) this.#runOne(database)
      else this.#runTogether(database)
      return true
    } catch (error) {
      if (isBusy(error)) {
        this.#rejectOverdue(error)
        return false
      }
      for (const { reject } of this.#waiting.splice(0)) reject(error)
      return true
    }
  }

  /** Runs the first job in a transaction of its own. Throws only if there is a lock. */
  #runOne(database: Database): void {
    const { work, reject } = this.#waiting[0]!
    let result: unknown
    try {
      result = work(database)
    } catch (error) {
      rollBack(database)
      if (isBusy(error)) throw error
      this.#take(1)
      this.#options.failed?.(error)
      reject(error)
      return
    }
    this.#report(this.#take(1), [result])
  }

  /** Runs as many jobs in one transaction as fit into a slice of time. */
  #runTogether(database: Database): void {
    const slice = new TimeSlice()
    const results: unknown[] = []
    try {
      database.run(this.#options.begin)
      for (const { work } of this.#waiting) {
        results.push(work(database))
        if (results.length === MAX_STATEMENTS || slice.isUsedUp()) break
      }
      database.run('commit')
    } catch (error) {
      rollBack(database)
      if (isBusy(error)) throw error
      this.#single = Math.min(results.length + 1, this.#waiting.length)
      return
    }
    this.#report(this.#take(results.length), results)
  }

  #take(count: number): readonly Job[] {
    this.#single = Math.max(0, this.#single - count)
    return this.#waiting.splice(0, count)
  }

  #report(jobs: readonly Job[], results: readonly unknown[]): void {
    const resolveAll = (): void => {
      for (const [index, { resolve }] of jobs.entries()) resolve(results[index] as never)
    }
    const rejectAll = (error: unknown): void => {
      for (const { reject } of jobs) reject(error)
    }
    const flushed = this.#options.committed?.()
    if (flushed === undefined) resolveAll()
    else flushed.then(resolveAll, rejectAll)
  }

  #rejectOverdue(cause: unknown): void {
    const now = performance.now()
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      const job = this.#waiting[index]!
      job.lockedSince ??= now
      if (now - job.lockedSince < job.timeout) continue
      this.#waiting.splice(index, 1)
      if (index < this.#single) this.#single -= 1
      job.reject(lockedError(this.#options.path, job.timeout, cause))
    }
  }
}

function rollBack(database: Database): void {
  try {
    database.run('rollback')
  } catch {
    // SQLite has rolled back by itself, or nothing had begun.
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
