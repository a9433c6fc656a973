import fs from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Bank,
  checkOptions,
  DatabankError,
  type Entry,
  invalidOption,
  isAlive,
  type OptionRules,
  rules,
} from 'connect-databank'
import { codeIn, failure, isSharingViolation } from './failure.ts'
import { isOurs, readDeath, readSession, syncFile, type Temporary, touchFile, writeTemporary } from './files.ts'
import { Home, removeIfThere, syncFolder, syncUpTo } from './home.ts'
import { kindOf, type Spot, Spots } from './layout.ts'
import { holderOf, type Lock, take } from './locks.ts'
import { Pace } from './pace.ts'
import { Recent } from './recent.ts'
import { encode } from './record.ts'
import { countSessions, type Found, removeDeadOwners, removeLeftOver, scanSessions, walk } from './walk.ts'

export interface DiskBankOptions {
  /** The folder of the sessions; it is made if it is not there. A relative one counts from where the process is when it makes the bank. */
  path: string
  /** Whether a write has reached the disk itself when it is answered, and outlives a power cut. Default: false. */
  durable?: boolean
  /** Is told, once a path, of each file that is passed over because it is damaged or not ours. Default: nobody is. */
  onSkip?: (path: string, reason: string) => void
}

const optionRules: OptionRules<DiskBankOptions> = {
  path: rules.nonEmptyString,
  durable: rules.boolean,
  onSkip: rules.function,
}

/** How long a write waits for others that hold the session, in milliseconds: less than the store waits for us. */
const patience = 4_000
/** How often a folder that is gone is made anew before somebody must be removing it on purpose. */
const restorations = 8

/**
 * Keeps sessions in files, for many processes of one machine. layout.ts says what lies where, locks.ts how processes keep out of
 * each other's way and what a kill leaves.
 *
 * Methods reject with DATABANK_DENIED (rights), DATABANK_FULL (disk, quota, limit), DATABANK_UNAVAILABLE (no such folder can be
 * made, too many open files, a lock that is held too long), DATABANK_BACKEND_FAILED (the rest), DATABANK_CLOSED.
 */
export class DiskBank implements Bank {
  readonly #home: Home
  readonly #spots: Spots
  readonly #recent = new Recent()
  readonly #durable: boolean
  readonly #onSkip: (path: string, reason: string) => void
  readonly #skipped = new Set<string>()
  readonly #pace = new Pace()
  readonly #underWay = new Set<Promise<unknown>>()
  /** The folders whose own names have been synced since we first wrote there. */
  readonly #synced = new Set<string>()
  #closed = false

  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: DiskBankOptions) {
    checkOptions('DiskBank', optionRules, options)
    if (options.path === undefined) throw invalidOption('DiskBank: path is missing; expected the folder of the sessions')
    this.#home = new Home(resolve(options.path))
    this.#spots = new Spots(this.#home.root)
    this.#durable = options.durable ?? false
    this.#onSkip = options.onSkip ?? (() => {})
  }

  /** Makes the folder if need be, and sees that we may write there. */
  open(): Promise<void> {
    return this.#run(async () => this.#home.restore(this.#home.root))
  }

  /** What is done most often goes past `#run`, which costs as much as it: it ends before anybody could wait for it. */
  read(id: string): Promise<Entry | null> {
    if (!this.#closed && this.#pace.rest() === undefined) {
      try {
        return Promise.resolve(this.#read(this.#spots.of(id), id))
      } catch (error) {
        return Promise.reject(failure(error, this.#home.root))
      }
    }
    return this.#run(async () => this.#read(this.#spots.of(id), id))
  }

  readMany(ids: readonly string[]): Promise<(Entry | null)[]> {
    return this.#run(async () => {
      const entries: (Entry | null)[] = []
      for (const id of ids) {
        await this.#pace.rest()
        entries.push(this.#read(this.#spots.of(id), id))
      }
      return entries
    })
  }

  async save(id: string, entry: Entry): Promise<void> {
    await this.#run(() => this.#replace(id, entry, () => true))
  }

  swap(id: string, expected: string | null, entry: Entry): Promise<boolean> {
    return this.#run(() => this.#swap(id, expected, entry))
  }

  delete(id: string): Promise<boolean> {
    return this.#run(() => this.#delete(this.#spots.of(id)))
  }

  touch(id: string, expires: number | null): Promise<void> {
    return this.#run(() => this.#touch(id, expires))
  }

  touchMany(moves: readonly (readonly [id: string, expires: number | null])[]): Promise<void> {
    return this.#run(async () => {
      for (const [id, expires] of moves) {
        await this.#pace.rest()
        await this.#touch(id, expires)
      }
    })
  }

  async *scan(): AsyncGenerator<readonly [id: string, entry: Entry]> {
    this.#checkOpen()
    try {
      for await (const { id, payload, expires } of scanSessions(this.#home.root, this.#pace, this.#skip)) {
        yield [id, { payload, expires }]
      }
    } catch (error) {
      throw failure(error, this.#home.root)
    }
  }

  count(now: number): Promise<number> {
    return this.#run(() => countSessions(this.#home.root, this.#pace, now))
  }

  /** Leaves what lies among the sessions and is not ours. */
  clear(): Promise<void> {
    return this.#run(() =>
      this.#tidy(async ({ path, folder }) => {
        if (isOurs(path)) await this.#delete({ path, folder, lock: `${path}.lock` })
      }),
    )
  }

  /** Frees the dead sessions, and the locks and files that killed processes have left. */
  purge(now: number): Promise<number> {
    return this.#run(async () => {
      let freed = 0
      await this.#tidy(({ path }) => {
        if (this.#isDead(path, now) && this.#freeIfDead(path, now)) freed++
      })
      return freed
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#underWay)
    try {
      this.#home.leave()
    } catch (error) {
      throw failure(error, this.#home.root)
    }
  }

  /** Every operation goes through here: its errors get their codes, and close waits for it. */
  async #run<Result>(operation: () => Promise<Result>): Promise<Result> {
    this.#checkOpen()
    const result = this.#attempt(operation)
    this.#underWay.add(result)
    try {
      return await result
    } finally {
      this.#underWay.delete(result)
    }
  }

  async #attempt<Result>(operation: () => Promise<Result>): Promise<Result> {
    try {
      // Not awaited if there is nothing to wait for: of many calls in one go, each is to see the time that those before it took.
      const rest = this.#pace.rest()
      if (rest !== undefined) await rest
      return await operation()
    } catch (error) {
      throw failure(error, this.#home.root)
    }
  }

  #read({ path }: Spot, id: string): Entry | null {
    const record = readSession(path, this.#recent)
    if (record === null) return null
    if ('broken' in record) {
      this.#skip(path, record.broken)
      return null
    }
    if (record.id === id) return { payload: record.payload, expires: record.expires }
    this.#skip(path, 'it is a copy of another session')
    return null
  }

  #swap(id: string, expected: string | null, entry: Entry): Promise<boolean> {
    return this.#replace(id, entry, (spot) => {
      const there = this.#read(spot, id)
      return (isAlive(there, Date.now()) ? there.payload : null) === expected
    })
  }

  /** Puts the entry in its place if, under the lock, `decide` says so. The new file is complete before the lock is taken. */
  async #replace(id: string, entry: Entry, decide: (spot: Spot) => boolean): Promise<boolean> {
    const spot = this.#spots.of(id)
    const files: Temporary[] = []
    try {
      return await this.#persist(spot, async () => {
        // It is gone if somebody removed the folder.
        if (files[0] === undefined || !fs.existsSync(files[0].path)) {
          files[0] = writeTemporary(spot.folder, this.#home.presence(), encode(id, entry), entry.expires)
          if (this.#durable) await syncFile(files[0].path)
        }
        const { path, stats } = files[0]
        const replaced = this.#locked(spot, (lock) => {
          if (!decide(spot)) return false
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

  async #delete(spot: Spot): Promise<boolean> {
    if (fs.lstatSync(spot.path, { throwIfNoEntry: false }) === undefined) return false
    const deleted = await this.#persist(spot, async () =>
      this.#locked(spot, (lock) => {
        lock.check()
        this.#recent.delete(spot.path)
        return removeIfThere(spot.path)
      }),
    )
    if (deleted && this.#durable) await this.#syncNames(spot.folder)
    return deleted
  }

  async #touch(id: string, expires: number | null): Promise<void> {
    const { path } = this.#spots.of(id)
    if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return
    if (touchFile(path, expires, this.#home.presence().latest)) {
      if (this.#durable) await syncFile(path)
      return
    }
    // The file's time cannot say it: the file is replaced by one whose header does.
    for (;;) {
      const entry = this.#read(this.#spots.of(id), id)
      if (!isAlive(entry, Date.now())) return
      if (await this.#swap(id, entry.payload, { payload: entry.payload, expires })) return
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

  /** Does it again while the session is held by others, or a folder is missing, or Windows says that a file is in use. */
  async #persist<Result>(spot: Spot, act: () => Promise<Result | undefined>): Promise<Result> {
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

  /** Calls for every session, and removes what the dead have left. */
  async #tidy(visit: (session: Found) => Promise<void> | void): Promise<void> {
    const { root } = this.#home
    if (!fs.existsSync(root)) return
    for await (const found of walk(root, this.#pace)) {
      const kind = kindOf(found.name)
      try {
        if (kind === 'session') await visit(found)
        else if (kind === 'foreign') this.#skip(found.path, 'its name is none of this store')
        else removeLeftOver(this.#home, found)
      } catch (error) {
        // Somebody has removed the folder, or has this very file open on Windows: the next time will do.
        if (codeIn(error) === 'ENOENT') this.#home.restore(root)
        else if (!isSharingViolation(error)) throw error
      }
    }
    await removeDeadOwners(root)
  }

  #isDead(path: string, now: number): boolean {
    const death = readDeath(path)
    if (death !== null && 'broken' in death) this.#skip(path, death.broken)
    return death !== null && 'expires' in death && death.expires !== null && !(death.expires > now)
  }

  /** Whoever holds the lock is writing the session: then it lives again, or goes next time. */
  #freeIfDead(path: string, now: number): boolean {
    const spot = { path, folder: '', lock: `${path}.lock` }
    return this.#locked(spot, () => this.#isDead(path, now) && removeIfThere(path)) === true
  }

  async #syncNames(folder: string): Promise<void> {
    await syncFolder(folder)
    if (this.#synced.has(folder)) return
    await syncUpTo(this.#home.root, folder)
    this.#synced.add(folder)
  }

  readonly #skip = (path: string, reason: string): void => {
    if (this.#skipped.has(path) || this.#skipped.size >= 1_000) return
    this.#skipped.add(path)
    this.#onSkip(path, reason)
  }

  #checkOpen(): void {
    if (this.#closed) throw new DatabankError('DATABANK_CLOSED', 'the disk bank was closed')
  }
}

function heldTooLong({ lock }: Spot): Error {
  return new DatabankError('DATABANK_UNAVAILABLE', `${holderOf(lock)} has held the session for ${patience} ms: ${lock}`)
}
