import { type Bank, type Entry, isAlive, newEntry, UnderWay } from 'connect-databank'
import { type Connected, Connection } from './connection.ts'
import { failure, isAmbiguous, isOvertaken } from './failures.ts'
import type { Seen } from './known.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { type CheckedOptions, type CouchbaseBankOptions, checked } from './options.ts'
import { Sessions } from './sessions.ts'

/** A swap or a touch that others overtake for so long gives up, in operation time-outs. */
const patience = 2

/**
 * Sessions in a collection of Couchbase: one document each, freed by the server when it dies.
 *
 * The SDK, a native module, is only loaded when the bank connects.
 */
export class CouchbaseBank implements Bank {
  readonly #options: CheckedOptions
  readonly #connection: Connection
  readonly #sessions: Sessions
  readonly #touches = new OneAtATime()
  readonly #underWay = new UnderWay()

  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: CouchbaseBankOptions = {}) {
    this.#options = checked(options)
    this.#connection = new Connection(this.#options)
    this.#sessions = new Sessions(this.#options)
  }

  read(id: string): Promise<Entry | null> {
    return this.#run((connected) => this.#sessions.look(connected, id), entryOf)
  }

  async save(id: string, entry: Entry): Promise<void> {
    await this.#run<unknown>((connected) =>
      // The server takes no expiry that is past, and what is dead already is of no use to anybody.
      isAlive(entry, Date.now()) ? this.#sessions.put(connected, id, entry) : this.#sessions.remove(connected, id),
    )
  }

  delete(id: string): Promise<boolean> {
    return this.#run((connected) => this.#sessions.remove(connected, id))
  }

  /**
   * One operation on what this bank read or wrote last, two on what it does not know. Touches of one id wait for each other: each
   * changes the document's CAS, and would send the others back to read it.
   */
  touch(id: string, expires: number | null): Promise<void> {
    return this.#touches.run(id, () => this.#run((connected) => this.#touch(connected, id, expires)))
  }

  /** One operation on what this bank read or wrote last, two on what it does not know. */
  swap(id: string, expected: string | null, entry: Entry): Promise<boolean> {
    return this.#run((connected) => this.#swap(connected, id, expected, entry))
  }

  /** Needs a range scan or an index: see the README. @throws DATABANK_NOT_SUPPORTED */
  async *scan(): AsyncGenerator<readonly [id: string, entry: Entry]> {
    const connected = await this.#connection.connect()
    try {
      yield* this.#sessions.list(connected)
    } catch (error) {
      throw failure(error)
    }
  }

  /** @throws DATABANK_NOT_SUPPORTED */
  async count(now: number): Promise<number> {
    let living = 0
    for await (const [, entry] of this.scan()) if (isAlive(entry, now)) living++
    return living
  }

  /** @throws DATABANK_NOT_SUPPORTED */
  async clear(): Promise<void> {
    await this.#run((connected) => this.#sessions.removeAll(connected))
  }

  /**
   * What is dead by now the server frees by itself, within a second: nothing is left to do. For a moment that is still to come,
   * all documents are looked at. @throws DATABANK_NOT_SUPPORTED
   */
  async purge(now: number): Promise<number> {
    const connected = await this.#connection.connect()
    if (now <= Date.now()) return 0
    let freed = 0
    for await (const [id, entry] of this.scan()) {
      if (!isAlive(entry, now) && (await this.#run(() => this.#sessions.removeDead(connected, id, now)))) freed++
    }
    return freed
  }

  async open(): Promise<void> {
    await this.#connection.connect()
  }

  async close(): Promise<void> {
    await this.#connection.close(() => this.#underWay.idle())
    this.#sessions.forgetAll()
  }

  /** What `give` makes of what the work gives. No async function: each costs a promise, and this is every operation's way. */
  #run<T, Given = T>(work: (connected: Connected) => Promise<T>, give?: (value: T) => Given): Promise<Given> {
    const { current } = this.#connection
    if (current === undefined) return this.#connection.connect().then((connected) => this.#work(connected, work, give))
    return this.#work(current, work, give)
  }

  #work<T, Given>(
    connected: Connected,
    work: (connected: Connected) => Promise<T>,
    give: ((value: T) => Given) | undefined,
  ): Promise<Given> {
    this.#underWay.begin()
    return work(connected).then(
      (value) => {
        this.#underWay.end()
        return give === undefined ? (value as unknown as Given) : give(value)
      },
      (error) => {
        this.#underWay.end()
        throw failure(error)
      },
    )
  }

  async #touch(connected: Connected, id: string, expires: number | null): Promise<void> {
    const giveUpAt = this.#giveUpAt()
    let seen: Seen | null | undefined = this.#sessions.known(id)
    // What we know as dead another may have put off.
    if (!isAlive(seen, Date.now())) seen = await this.#sessions.look(connected, id)
    while (isAlive(seen, Date.now())) {
      try {
        return await this.#sessions.move(connected, id, expires, seen as Seen)
      } catch (error) {
        if (!isOvertaken(error) || Date.now() > giveUpAt) throw error
        seen = await this.#sessions.look(connected, id)
      }
    }
  }

  async #swap(connected: Connected, id: string, expected: string | null, entry: Entry): Promise<boolean> {
    const giveUpAt = this.#giveUpAt()
    const write = this.#sessions.nextWrite()
    // What is dead already is not written, so no write tells whether what is expected is there.
    let seen = isAlive(entry, Date.now()) ? this.#expectedOf(id, expected) : undefined
    for (let doubt: unknown; ; ) {
      if (seen === undefined) {
        seen = await this.#sessions.look(connected, id)
        // An attempt whose answer was lost.
        if (seen?.write === write) return true
        if (!matches(seen, expected)) {
          // It may have happened, and have been written over since: nobody can say.
          if (doubt !== undefined) throw doubt
          return false
        }
      }
      try {
        await this.#sessions.putOver(connected, id, entry, write, seen)
        return true
      } catch (error) {
        if (isAmbiguous(error)) doubt = error
        else if (!isOvertaken(error)) throw error
        if (Date.now() > giveUpAt) throw doubt ?? error
        seen = undefined
      }
    }
  }

  /** What a swap may take for stored without a look; undefined if it has to look. */
  #expectedOf(id: string, expected: string | null): Seen | null | undefined {
    if (expected === null) return null
    const known = this.#sessions.known(id)
    return matches(known, expected) ? known : undefined
  }

  #giveUpAt(): number {
    return Date.now() + patience * this.#options.operationTimeout
  }
}

function entryOf(seen: Seen | null): Entry | null {
  return seen === null ? null : newEntry(seen.payload, seen.expires)
}

/** Whether what is stored is what a swap expects: a dead entry is none. */
function matches(seen: Seen | null | undefined, expected: string | null): boolean {
  const living = isAlive(seen, Date.now()) ? seen : null
  return expected === null ? living === null : living?.payload === expected
}
