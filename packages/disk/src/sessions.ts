import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabankError, type Entry, isLive, type SharedTimeSlice, type Stored } from 'connect-databank/backend'
import { codeIn, isSharingViolation } from './errors.ts'
import {
  isPast,
  makeDirectory,
  readExpires,
  readSession,
  removeFile,
  syncDirectory,
  syncFile,
  touchFile,
  writeFile,
} from './files.ts'
import type { Layout, SessionPaths } from './layout.ts'
import { currentHolder, describeHolder, type Lock, takeLock } from './locks.ts'
import { encode } from './records.ts'

/** The part of the store's `timeout` that an operation waits for a lock. */
const PATIENCE = 0.8
/** How often an operation creates a missing directory, until somebody must be removing it on purpose. */
const MOST_CREATIONS = 8

const NOTHING = Buffer.alloc(0)
let temporaryFiles = 0

interface SessionsOptions {
  readonly layout: Layout
  readonly durable: boolean
  /** How long the store waits for an operation, in milliseconds. */
  readonly timeout: number
  readonly slice: SharedTimeSlice
}

/** What is done to one session. Errors are the system's own. */
export class Sessions {
  readonly #layout: Layout
  readonly #durable: boolean
  readonly #patience: number
  readonly #slice: SharedTimeSlice
  /** Directories whose own names have been synced since this bank first wrote there. */
  readonly #synced = new Set<string>()
  #hasReserve = false

  constructor({ layout, durable, timeout, slice }: SessionsOptions) {
    this.#layout = layout
    this.#durable = durable
    this.#patience = timeout * PATIENCE
    this.#slice = slice
  }

  /** The stored session, `corrupt` if the file is none; null if there is no file. */
  read({ session }: SessionPaths, id: string): Stored | null {
    const record = readSession(session)
    if (record === null) return null
    if ('unusable' in record) return corrupt(record.unusable, session)
    if (record.id !== id) return corrupt('it is a copy of the file of another session', session)
    return { payload: record.payload, expires: record.expires, owner: record.owner }
  }

  async save(paths: SessionPaths, id: string, entry: Entry): Promise<void> {
    await this.#replace(paths, id, entry, () => true)
  }

  async swap(paths: SessionPaths, id: string, expected: string | null, entry: Entry, now: number): Promise<boolean> {
    const isExpected = (): boolean => {
      const stored = this.read(paths, id)
      if (stored?.corrupt !== undefined) return expected === null || expected === stored.payload
      return (isLive(stored, now) ? stored.payload : null) === expected
    }
    // To write a file costs most: a swap that comes too late does not.
    return (await this.retry(paths, async () => isExpected())) && this.#replace(paths, id, entry, isExpected)
  }

  async delete(paths: SessionPaths): Promise<boolean> {
    if (fs.lstatSync(paths.session, { throwIfNoEntry: false }) === undefined) return false
    const deleted = await this.retry(paths, async () =>
      this.#locked(paths, (lock) => {
        lock.check()
        return removeFile(paths.session)
      }),
    )
    if (deleted && this.#durable) await this.#syncNames(paths.directory)
    return deleted
  }

  async touch(paths: SessionPaths, expires: number | null, now: number): Promise<void> {
    await this.retry(paths, async () => {
      touchFile(paths.session, expires, now)
      return true
    })
    if (this.#durable) await syncFile(paths.session)
  }

  /** Removes the session if it has expired. While another holds the lock it is left: that one may be renewing it. */
  removeExpired(paths: SessionPaths, now: number): boolean {
    const removed = this.#locked(paths, (lock) => {
      const record = readExpires(paths.session)
      if (record === null || 'unusable' in record || !isPast(record.expires, now)) return false
      lock.check()
      return removeFile(paths.session)
    })
    return removed === true
  }

  /** Tries again while another holds the lock (`act` returns undefined), a directory is missing, or Windows has the file in use. */
  async retry<Result>({ directory, lock }: SessionPaths, act: () => Promise<Result | undefined>): Promise<Result> {
    const end = performance.now() + this.#patience
    let creations = 0
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await act()
        if (result !== undefined) return result
        if (performance.now() > end) throw this.#heldTooLong(lock)
      } catch (error) {
        if (codeIn(error) === 'ENOENT' && creations++ < MOST_CREATIONS) {
          this.#synced.delete(directory)
          makeDirectory(directory)
          continue
        }
        if (!isSharingViolation(error) || performance.now() > end) throw error
      }
      // Work under a lock takes a fraction of a millisecond. Those who wait do not come back together.
      await sleep(Math.random() * Math.min(attempt, 20))
      await this.#slice.wait()
    }
  }

  /** Gives up the reserve, where a lock needs the space of a file. Returns whether there was one. */
  readonly makeSpace = (): boolean => {
    this.#hasReserve = false
    return removeFile(this.#layout.reserve)
  }

  /** Replaces the file if `decide` says so under the lock. The new file is complete before the lock is taken. */
  async #replace(paths: SessionPaths, id: string, entry: Entry, decide: () => boolean): Promise<boolean> {
    const temporary = join(paths.directory, `${currentHolder()}-${++temporaryFiles}.tmp`)
    let isWritten = false
    try {
      return await this.retry(paths, async () => {
        // It is gone if somebody has removed the directory.
        if (!isWritten || !fs.existsSync(temporary)) {
          writeFile(temporary, encode(id, entry))
          isWritten = true
          if (this.#durable) await syncFile(temporary)
        }
        const replaced = this.#locked(paths, (lock) => {
          if (!decide()) return false
          lock.check()
          fs.renameSync(temporary, paths.session)
          isWritten = false
          return true
        })
        if (replaced === true && this.#durable) await this.#syncNames(paths.directory)
        return replaced
      })
    } finally {
      if (isWritten) removeFile(temporary)
    }
  }

  /** Returns undefined if another holds the lock. */
  #locked<Result>({ lock }: SessionPaths, act: (lock: Lock) => Result): Result | undefined {
    const taken = takeLock(lock, this.makeSpace)
    if (taken === null) return undefined
    try {
      return act(taken)
    } finally {
      taken.release()
      if (!this.#hasReserve) this.#makeReserve()
    }
  }

  #makeReserve(): void {
    try {
      writeFile(this.#layout.reserve, NOTHING)
      this.#hasReserve = true
    } catch (error) {
      this.#hasReserve = codeIn(error) === 'EEXIST'
    }
  }

  /** The names in a directory and, once, the names of the directory itself and of those above it. */
  async #syncNames(directory: string): Promise<void> {
    await syncDirectory(directory)
    if (this.#synced.has(directory)) return
    const top = dirname(this.#layout.root)
    for (let at = directory; at !== top && at !== dirname(at); at = dirname(at)) await syncDirectory(dirname(at))
    this.#synced.add(directory)
  }

  #heldTooLong(lock: string): DatabankError {
    const message = `disk: ${describeHolder(lock)} has held the session for ${this.#patience} ms: ${lock}`
    return new DatabankError('DATABANK_UNAVAILABLE', message)
  }
}

function corrupt(reason: string, path: string): Stored {
  return { payload: '', expires: null, corrupt: `${reason}: ${path}` }
}
