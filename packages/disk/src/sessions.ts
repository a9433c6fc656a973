import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabankError, type Entry, isAlive, newEntry } from 'connect-databank'
import { isPast } from './death.ts'
import { codeIn, isSharingViolation } from './failure.ts'
import { readDeath, readSession, syncFile, type Temporary, touchFile, writeTemporary } from './files.ts'
import { type Home, removeIfThere, syncFolder, syncUpTo } from './home.ts'
import type { Spot } from './layout.ts'
import { holderOf, type Lock, take } from './locks.ts'
import type { Pace } from './pace.ts'
import { RecentFiles } from './recent-files.ts'
import { encode } from './record.ts'
import type { Skip } from './walk.ts'

/** How long a write waits for others that hold the session, in milliseconds: less than the store waits for us. */
const patience = 4_000
/** How often a folder that is gone is made anew before somebody must be removing it on purpose. */
const restorations = 8

/** What is done to one session: read, replaced, removed, touched. Errors are the system's own. */
export class Sessions {
  readonly #home: Home
  readonly #durable: boolean
  readonly #pace: Pace
  readonly #skip: Skip
  readonly #recent = new RecentFiles()
  /** The folders whose own names have been synced since we first wrote there. */
  readonly #synced = new Set<string>()

  constructor(home: Home, durable: boolean, pace: Pace, skip: Skip) {
    this.#home = home
    this.#durable = durable
    this.#pace = pace
    this.#skip = skip
  }

  /** The entry, or null where there is none that can be served. */
  read({ path }: Spot, id: string): Entry | null {
    const record = readSession(path, this.#recent)
    if (record === null) return null
    if ('broken' in record) {
      this.#skip(path, record.broken)
      return null
    }
    if (record.id === id) return newEntry(record.payload, record.expires)
    this.#skip(path, 'it is a copy of another session')
    return null
  }

  async save(spot: Spot, id: string, entry: Entry): Promise<void> {
    await this.#replace(spot, id, entry, () => true)
  }

  async swap(spot: Spot, id: string, expected: string | null, entry: Entry): Promise<boolean> {
    const isExpected = (): boolean => {
      const there = this.read(spot, id)
      return (isAlive(there, Date.now()) ? there.payload : null) === expected
    }
    // A file is made for nothing if another write was faster, and to make one is what costs most.
    return (await this.persist(spot, async () => isExpected())) && this.#replace(spot, id, entry, isExpected)
  }

  async delete(spot: Spot): Promise<boolean> {
    if (fs.lstatSync(spot.path, { throwIfNoEntry: false }) === undefined) return false
    const deleted = await this.persist(spot, async () =>
      this.#locked(spot, (lock) => {
        lock.check()
        this.#recent.delete(spot.path)
        return removeIfThere(spot.path)
      }),
    )
    if (deleted && this.#durable) await this.#syncNames(spot.folder)
    return deleted
  }

  /** Whether that was all: what the file's time cannot say, and a file that must be synced, is for `touch`. */
  touchAtOnce({ path }: Spot, expires: number | null): boolean {
    return !this.#durable && touchFile(path, expires, this.#latest)
  }

  async touch(spot: Spot, id: string, expires: number | null): Promise<void> {
    if (await this.persist(spot, async () => touchFile(spot.path, expires, this.#latest))) {
      if (this.#durable) await syncFile(spot.path)
      return
    }
    // The file's time cannot say it: the file is replaced by one whose header does.
    for (;;) {
      const entry = this.read(spot, id)
      if (!isAlive(entry, Date.now())) return
      if (await this.swap(spot, id, entry.payload, { payload: entry.payload, expires })) return
    }
  }

  isDead(path: string, now: number): boolean {
    const death = readDeath(path)
    if (death !== null && 'broken' in death) this.#skip(path, death.broken)
    return death !== null && 'expires' in death && isPast(death.expires, now)
  }

  /** Whoever holds the lock is writing the session: then it lives again, or goes next time. */
  freeIfDead(spot: Spot, now: number): boolean {
    const freed = this.#locked(spot, (lock) => {
      if (!this.isDead(spot.path, now)) return false
      lock.check()
      return removeIfThere(spot.path)
    })
    return freed === true
  }

  /** Does it again while the session is held by others, or a folder is missing, or Windows says that a file is in use. */
  async persist<Result>(spot: Spot, act: () => Promise<Result | undefined>): Promise<Result> {
    const end = performance.now() + patience
    let restored = 0
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await act()
        if (result !== undefined) return result
        if (performance.now() > end) throw heldTooLong(spot)
      } catch (error) {
        if (codeIn(error) === 'ENOENT' && restored++ < restorations) {
          this.#synced.delete(spot.folder)
          this.#home.restore(spot.folder)
          continue
        }
        if (!isSharingViolation(error) || performance.now() > end) throw error
      }
      // Work under a lock takes a fraction of a millisecond; and chance keeps those who wait from coming back together.
      await sleep(Math.random() * Math.min(attempt, 20))
      await this.#pace.rest()
    }
  }

  /** Puts the entry in its place if, under the lock, `decide` says so. The new file is complete before the lock is taken. */
  async #replace(spot: Spot, id: string, entry: Entry, decide: () => boolean): Promise<boolean> {
    const files: Temporary[] = []
    try {
      return await this.persist(spot, async () => {
        // It is gone if somebody removed the folder.
        if (files[0] === undefined || !fs.existsSync(files[0].path)) {
          files[0] = writeTemporary(spot.folder, this.#home.presence(), encode(id, entry), entry.expires)
          if (this.#durable) await syncFile(files[0].path)
        }
        const { path, stats } = files[0]
        const replaced = this.#locked(spot, (lock) => {
          if (!decide()) return false
          lock.check()
          fs.renameSync(path, spot.path)
          files.pop()
          this.#recent.put(spot.path, stats, { id, payload: entry.payload, expires: entry.expires })
          return true
        })
        if (replaced === true && this.#durable) await this.#syncNames(spot.folder)
        return replaced
      })
    } finally {
      for (const { path } of files) removeIfThere(path)
    }
  }

  /** Answers undefined if somebody else holds the lock. */
  #locked<Result>(spot: Spot, act: (lock: Lock) => Result): Result | undefined {
    const lock = take(this.#home, spot.lock)
    if (lock === null) return undefined
    try {
      return act(lock)
    } finally {
      lock.release()
    }
  }

  async #syncNames(folder: string): Promise<void> {
    await syncFolder(folder)
    if (this.#synced.has(folder)) return
    await syncUpTo(this.#home.root, folder)
    this.#synced.add(folder)
  }

  /** How late a death the file system keeps. It is asked when there is a file: nothing is made for a touch of nothing. */
  readonly #latest = (): number => this.#home.presence().latest
}

function heldTooLong({ lock }: Spot): Error {
  return new DatabankError('DATABANK_UNAVAILABLE', `${holderOf(lock)} has held the session for ${patience} ms: ${lock}`)
}
