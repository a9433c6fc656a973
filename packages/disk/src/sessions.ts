import fs from 'node:fs'
import { dirname, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Entry, isLive, makeDirectory, type SharedTimeSlice, type Stored } from 'connect-databank/backend'
import { codeIn, isSharingViolation } from './errors.ts'
import * as files from './files.ts'
import { currentHolder } from './holders.ts'
import type { Layout } from './layout.ts'
import { heldTooLong, takeLock } from './locks.ts'
import { encode } from './records.ts'

/** How often an operation creates a missing directory. After that, something removes it on purpose. */
const MOST_CREATIONS = 8

const NOTHING = Buffer.alloc(0)
let temporaryFiles = 0

interface SessionsOptions {
  readonly layout: Layout
  readonly durable: boolean
  /** How long an operation waits for a lock, in milliseconds. */
  readonly patience: number
  readonly slice: SharedTimeSlice
}

/** The operations on one session, by its path. Errors are the system's own. */
export class Sessions {
  readonly #options: SessionsOptions
  /** Directories whose own names have been synced since this bank first wrote there. */
  readonly #synced = new Set<string>()
  #hasReserve = false

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** The stored session, with `corrupt` if the file is not a session; null if there is no file. */
  read(path: string, id: string): Stored | null {
    const record = files.readSession(path)
    if (record === null) return null
    if ('unusable' in record) return corrupt(record.unusable, path)
    if (record.id !== id) return corrupt('it is a copy of the file of another session', path)
    return { payload: record.payload, expires: record.expires, owner: record.owner }
  }

  async save(path: string, id: string, entry: Entry): Promise<void> {
    await this.#replace(path, id, entry, () => true)
  }

  async swap(path: string, id: string, expected: string | null, entry: Entry, now: number): Promise<boolean> {
    const isExpected = (): boolean => {
      const stored = this.read(path, id)
      if (stored?.corrupt !== undefined) return expected === null || expected === stored.payload
      return (isLive(stored, now) ? stored.payload : null) === expected
    }
    // Writing a file is the most expensive part, so a late swap ends before it.
    return (await this.retry(path, async () => isExpected())) && this.#replace(path, id, entry, isExpected)
  }

  async delete(path: string): Promise<boolean> {
    if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return false
    const deleted = await this.retry(path, async () =>
      this.#locked(
        path,
        () => true,
        () => files.removeFile(path),
      ),
    )
    if (deleted && this.#options.durable) await this.#syncNames(dirname(path))
    return deleted
  }

  async touch(path: string, expires: number | null, now: number): Promise<void> {
    await this.retry(path, async () => {
      files.touchFile(path, expires, now)
      return true
    })
    if (this.#options.durable) await files.sync(path, 'file')
  }

  /** Removes the session if it has expired. If another thread holds the lock, the session stays: that thread may be extending it. */
  removeExpired(path: string, now: number): boolean {
    const isExpired = (): boolean => {
      const record = files.readExpires(path)
      return record !== null && 'expires' in record && files.isPast(record, now)
    }
    return this.#locked(path, isExpired, () => files.removeFile(path)) === true
  }

  /** Tries again while another thread holds the lock (`act` returns undefined), a directory is missing, or Windows has the file in use. */
  async retry<Result>(path: string, act: () => Promise<Result | undefined>): Promise<Result> {
    const end = performance.now() + this.#options.patience
    let creations = 0
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await act()
        if (result !== undefined) return result
        if (performance.now() > end) throw heldTooLong(lockOf(path), this.#options.patience)
      } catch (error) {
        if (codeIn(error) === 'ENOENT' && creations++ < MOST_CREATIONS) {
          this.#synced.delete(dirname(path))
          makeDirectory(dirname(path), files.DIRECTORY_MODE)
          continue
        }
        if (!isSharingViolation(error) || performance.now() > end) throw error
      }
      // Work under a lock takes a fraction of a millisecond. The random wait keeps waiting threads apart.
      await sleep(Math.random() * Math.min(attempt, 20))
      await this.#options.slice.wait()
    }
  }

  /** Removes the reserve, if a lock needs the space of a file. Returns whether there was one. */
  readonly makeSpace = (): boolean => {
    this.#hasReserve = false
    return files.removeFile(this.#options.layout.reserve)
  }

  /** Replaces the file if `decide` allows it under the lock. The new file is complete before the lock is taken. */
  async #replace(path: string, id: string, entry: Entry, decide: () => boolean): Promise<boolean> {
    const directory = dirname(path)
    const temporary = `${directory}${sep}${currentHolder}-${++temporaryFiles}.tmp`
    let isWritten = false
    try {
      return await this.retry(path, async () => {
        // The file is missing if the directory was removed.
        if (!isWritten || !fs.existsSync(temporary)) {
          files.writeFile(temporary, encode(id, entry))
          isWritten = true
          if (this.#options.durable) await files.sync(temporary, 'file')
        }
        const replaced = this.#locked(path, decide, () => {
          fs.renameSync(temporary, path)
          isWritten = false
          return true
        })
        if (replaced === true && this.#options.durable) await this.#syncNames(directory)
        return replaced
      })
    } finally {
      if (isWritten) files.removeFile(temporary)
    }
  }

  /** Returns the result of `act` if `decide` allows it, both under the lock; undefined if another thread holds the lock. */
  #locked(path: string, decide: () => boolean, act: () => boolean): boolean | undefined {
    const lock = takeLock(lockOf(path), this.makeSpace)
    if (lock === null) return undefined
    try {
      if (!decide()) return false
      lock.check()
      return act()
    } finally {
      lock.release()
      if (!this.#hasReserve) this.#makeReserve()
    }
  }

  #makeReserve(): void {
    try {
      files.writeFile(this.#options.layout.reserve, NOTHING)
      this.#hasReserve = true
    } catch (error) {
      this.#hasReserve = codeIn(error) === 'EEXIST'
    }
  }

  /** The names in a directory and, once, the names of the directory itself and of those above it. */
  async #syncNames(directory: string): Promise<void> {
    await files.sync(directory, 'directory')
    if (this.#synced.has(directory)) return
    const top = dirname(this.#options.layout.root)
    for (let at = directory; at !== top && at !== dirname(at); at = dirname(at)) await files.sync(dirname(at), 'directory')
    this.#synced.add(directory)
  }
}

function lockOf(path: string): string {
  return `${path}.lock`
}

function corrupt(reason: string, path: string): Stored {
  return { payload: '', expires: null, corrupt: `${reason}: ${path}` }
}
