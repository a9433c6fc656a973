import fs from 'node:fs'
import { resolve } from 'node:path'
import {
  type Bank,
  checkOptions,
  DatabankError,
  type Entry,
  invalidOption,
  type OptionRules,
  rules,
  UnderWay,
} from 'connect-databank'
import { codeIn, failure, isSharingViolation } from './failure.ts'
import { isOurs } from './files.ts'
import { Home } from './home.ts'
import { kindOf, type Spot, Spots } from './layout.ts'
import { Pace } from './pace.ts'
import { Sessions } from './sessions.ts'
import { countSessions, removeDeadOwners, removeLeftOver, scanSessions, walk } from './walk.ts'

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
  readonly #sessions: Sessions
  readonly #onSkip: (path: string, reason: string) => void
  readonly #skipped = new Set<string>()
  readonly #pace = new Pace()
  readonly #underWay = new UnderWay()
  #closed = false

  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: DiskBankOptions) {
    checkOptions('DiskBank', optionRules, options)
    if (options.path === undefined) throw invalidOption('DiskBank: path is missing; expected the folder of the sessions')
    this.#home = new Home(resolve(options.path))
    this.#spots = new Spots(this.#home.root)
    this.#sessions = new Sessions(this.#home, options.durable ?? false, this.#pace, this.#skip)
    this.#onSkip = options.onSkip ?? (() => {})
  }

  /** Makes the folder if need be, and sees that we may write there. */
  open(): Promise<void> {
    return this.#run(async () => this.#home.restore(this.#home.root))
  }

  read(id: string): Promise<Entry | null> {
    const spot = this.#spots.of(id)
    const read = this.#atOnce(() => this.#sessions.read(spot, id))
    return read ?? this.#run(() => this.#sessions.persist(spot, async () => this.#sessions.read(spot, id)))
  }

  readMany(ids: readonly string[]): Promise<(Entry | null)[]> {
    return this.#run(async () => {
      const entries: (Entry | null)[] = []
      for (const id of ids) {
        await this.#pace.rest()
        entries.push(this.#sessions.read(this.#spots.of(id), id))
      }
      return entries
    })
  }

  save(id: string, entry: Entry): Promise<void> {
    return this.#run(() => this.#sessions.save(this.#spots.of(id), id, entry))
  }

  swap(id: string, expected: string | null, entry: Entry): Promise<boolean> {
    return this.#run(() => this.#sessions.swap(this.#spots.of(id), id, expected, entry))
  }

  delete(id: string): Promise<boolean> {
    return this.#run(() => this.#sessions.delete(this.#spots.of(id)))
  }

  touch(id: string, expires: number | null): Promise<void> {
    const spot = this.#spots.of(id)
    let asksForMore = false
    const touched = this.#atOnce(() => {
      asksForMore = !this.#sessions.touchAtOnce(spot, expires)
    })
    return touched === undefined || asksForMore ? this.#run(() => this.#sessions.touch(spot, id, expires)) : touched
  }

  touchMany(moves: readonly (readonly [id: string, expires: number | null])[]): Promise<void> {
    return this.#run(async () => {
      for (const [id, expires] of moves) {
        await this.#pace.rest()
        await this.#sessions.touch(this.#spots.of(id), id, expires)
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
      this.#tidy(async (spot) => {
        if (isOurs(spot.path)) await this.#sessions.delete(spot)
      }),
    )
  }

  /** Frees the dead sessions, and the locks and files that killed processes have left. */
  purge(now: number): Promise<number> {
    return this.#run(async () => {
      let freed = 0
      await this.#tidy((spot) => {
        if (this.#sessions.isDead(spot.path, now) && this.#sessions.freeIfDead(spot, now)) freed++
      })
      return freed
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#underWay.idle()
    try {
      this.#home.leave()
    } catch (error) {
      throw failure(error, this.#home.root)
    }
  }

  /**
   * What is done most often, and takes microseconds, goes past `#run`, which costs as much: it has ended before anybody could wait
   * for it. Undefined if it is not its turn, or Windows says that the file is in use.
   */
  #atOnce<Result>(act: () => Result): Promise<Result> | undefined {
    if (this.#closed || !this.#pace.isFree()) return undefined
    try {
      return Promise.resolve(act())
    } catch (error) {
      return isSharingViolation(error) ? undefined : Promise.reject(failure(error, this.#home.root))
    }
  }

  /** Every other operation goes through here: its errors get their codes, and close waits for it. */
  async #run<Result>(operation: () => Promise<Result>): Promise<Result> {
    this.#checkOpen()
    this.#underWay.begin()
    try {
      return await this.#attempt(operation)
    } finally {
      this.#underWay.end()
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

  /** Calls for every session, and removes what the dead have left. */
  async #tidy(visit: (session: Spot) => Promise<void> | void): Promise<void> {
    const { root } = this.#home
    if (!fs.existsSync(root)) return
    for await (const found of walk(root, this.#pace)) {
      const kind = kindOf(found.name)
      try {
        if (kind === 'session') await visit({ ...found, lock: `${found.path}.lock` })
        else if (kind === 'foreign') this.#skip(found.path, 'its name is none of this store')
        else removeLeftOver(this.#home, found)
      } catch (error) {
        // Somebody has removed the folder, or has this very file open on Windows: the next time will do.
        if (codeIn(error) === 'ENOENT') this.#home.restore(root)
        else if (!isSharingViolation(error)) throw error
      }
    }
    removeDeadOwners(root)
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
