import {
  type Bank,
  type BankContext,
  type BankDescription,
  DEFAULT_CONTEXT,
  type Entry,
  isLive,
  type Lifecycle,
  type Stored,
} from 'connect-databank/backend'
import { type Connected, connectionOf } from './connection.ts'
import { type CachedDocument, Documents, KeyedMutex } from './documents.ts'
import { isAmbiguous, isCasConflict } from './errors.ts'
import { type CheckedOptions, type CouchbaseBankOptions, checkedOptions } from './options.ts'
import { listIds, type Owned } from './queries.ts'

/** A swap or a touch that keeps losing to other writes ends after this many times the `operationTimeout`. */
const LONGEST_RETRY = 2

/**
 * Sessions in a Couchbase collection, one document each. The server deletes expired documents. The version is a token in the document,
 * because the CAS changes with a touch.
 */
export class CouchbaseBank implements Bank {
  readonly name = 'couchbase'
  /** A capability only if there is an index for it. */
  readonly idsOf?: (owner: string) => AsyncGenerator<string>
  readonly #options: CheckedOptions
  readonly #connection: Lifecycle<Connected>
  readonly #documents: Documents
  readonly #touches = new KeyedMutex()

  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: CouchbaseBankOptions = {}, context: BankContext = DEFAULT_CONTEXT) {
    this.#options = checkedOptions(options, context)
    this.#connection = connectionOf(this.#options)
    this.#documents = new Documents(this.#options)
    if (this.#options.ownerIndex) this.idsOf = (owner) => this.#idsOf(owner)
  }

  read(id: string): Promise<Stored | null> {
    return this.#connection.run(async (connected) => storedOf(await this.#documents.get(connected, id)))
  }

  save(id: string, entry: Entry): Promise<string> {
    return this.#connection.run(async (connected) => {
      const version = this.#documents.nextVersion()
      await this.#documents.write(connected, id, entry, version)
      return version
    })
  }

  delete(id: string): Promise<boolean> {
    return this.#connection.run((connected) => this.#documents.remove(connected, id))
  }

  /**
   * One operation if the document is cached, else two. Touches of one id wait for each other, because each changes the CAS, and the
   * others would have to read the document again.
   */
  touch(id: string, expires: number | null, now: number): Promise<void> {
    return this.#connection.run((connected) => this.#touches.run(id, () => this.#touch(connected, id, expires, now)))
  }

  /** One operation if the document is cached, else two. */
  swap(id: string, expected: string | null, entry: Entry, now: number): Promise<string | null> {
    return this.#connection.run((connected) => this.#swap(connected, id, expected, entry, now))
  }

  /** @throws DATABANK_NOT_SUPPORTED without a query service and a primary index */
  async *scan(): AsyncGenerator<readonly [id: string, stored: Stored]> {
    for await (const ids of this.#list()) {
      const documents = await this.#all(ids, (connected, id) => this.#documents.get(connected, id))
      for (const [index, document] of documents.entries()) if (document !== null) yield [ids[index]!, storedOf(document)!]
    }
  }

  /**
   * The server has deleted all entries that expired more than a second ago. Only a `now` in the future leaves work.
   *
   * @throws DATABANK_NOT_SUPPORTED for a `now` in the future, as `scan`
   */
  async purge(now: number): Promise<number> {
    await this.#connection.open()
    if (now <= Date.now()) return 0
    let deleted = 0
    for await (const ids of this.#list()) {
      const results = await this.#all(ids, (connected, id) => this.#removeExpired(connected, id, now))
      deleted += results.filter((isDeleted) => isDeleted).length
    }
    return deleted
  }

  /** Only the query service knows the version. */
  describe(): Promise<BankDescription> {
    return this.#connection.run(async ({ collection }) => {
      const timeout = this.#options.operationTimeout
      const answer = collection.scope.bucket.cluster.query('SELECT RAW DS_VERSION()', { timeout })
      const version: unknown = await answer.then(({ rows }) => rows[0]).catch(() => undefined)
      return { server: typeof version === 'string' ? `Couchbase ${version}` : 'Couchbase' }
    })
  }

  open(): Promise<void> {
    return this.#connection.open()
  }

  async close(): Promise<void> {
    await this.#connection.close()
    this.#documents.clearCache()
  }

  async #touch(connected: Connected, id: string, expires: number | null, now: number): Promise<void> {
    const deadline = this.#deadline()
    let document: CachedDocument | null | undefined = this.#documents.cached(id)
    // Another process may have extended an entry that has expired in the cache.
    if (!isLive(document, now)) document = await this.#documents.get(connected, id)
    while (isLive(document, now)) {
      try {
        return await this.#documents.touch(connected, id, expires, document)
      } catch (error) {
        if (!isCasConflict(error) || Date.now() > deadline) throw error
        document = await this.#documents.get(connected, id)
      }
    }
  }

  async #swap(connected: Connected, id: string, expected: string | null, entry: Entry, now: number): Promise<string | null> {
    const deadline = this.#deadline()
    const version = this.#documents.nextVersion()
    const matches = (document: CachedDocument | null | undefined): boolean =>
      expected === null ? !isLive(document, now) : isLive(document, now) && document.version === expected
    let document = expected === null ? null : this.#documents.cached(id)
    // An expired entry is not written, so no write would tell whether the expected version is stored.
    if (!matches(document) || !isLive(entry, Date.now())) document = undefined
    for (let lost: unknown; ; ) {
      if (document === undefined) {
        document = await this.#documents.get(connected, id)
        // A write whose answer was lost.
        if (document?.version === version) return version
        if (!matches(document)) {
          // A write whose answer was lost may have been stored and overwritten: this is unknown.
          if (lost !== undefined) throw lost
          return null
        }
      }
      try {
        await this.#documents.write(connected, id, entry, version, document)
        return version
      } catch (error) {
        if (isAmbiguous(error)) lost = error
        else if (!isCasConflict(error)) throw error
        if (Date.now() > deadline) throw lost ?? error
        document = undefined
      }
    }
  }

  async #removeExpired(connected: Connected, id: string, now: number): Promise<boolean> {
    const document = await this.#documents.get(connected, id)
    const cas = document?.cas
    if (document === null || isLive(document, now)) return false
    try {
      return await this.#documents.remove(connected, id, cas)
    } catch (error) {
      if (isCasConflict(error)) return false
      throw error
    }
  }

  async *#idsOf(owner: string): AsyncGenerator<string> {
    for await (const ids of this.#list(owner, Date.now())) yield* ids
  }

  /** The ids of all documents, or of those of an owner, in pages. */
  #list(...owned: Owned): AsyncGenerator<readonly string[]> {
    const { prefix, queryTimeout } = this.#options
    return this.#connection.stream((connected) => listIds(connected, prefix, queryTimeout, ...owned))
  }

  /** The same work for several ids, at the same time. */
  #all<T>(ids: readonly string[], work: (connected: Connected, id: string) => Promise<T>): Promise<T[]> {
    return this.#connection.run((connected) => Promise.all(ids.map((id) => work(connected, id))), ids.length)
  }

  #deadline(): number {
    return Date.now() + LONGEST_RETRY * this.#options.operationTimeout
  }
}

function storedOf(document: CachedDocument | null): Stored | null {
  if (document === null) return null
  const { payload, expires, owner = null, version, corrupt } = document
  return { payload, expires, owner, version, ...(corrupt !== undefined && { corrupt }) }
}
