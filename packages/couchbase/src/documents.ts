import { randomBytes } from 'node:crypto'
import { type Entry, isLive, LruCache } from 'connect-databank/backend'
import type { Cas } from 'couchbase'
import type { Connected } from './connection.ts'
import { isMissing } from './errors.ts'
import type { CheckedOptions } from './options.ts'
import { decode, EXPIRES_PATH, encode, type StoredRecord, serverExpiry, transcoder } from './records.ts'

/** A document as it was last read or written. */
export interface CachedDocument extends StoredRecord {
  readonly cas: Cas
}

/** The approximate size of a cached document without its text, in characters. */
const OVERHEAD = 200

/**
 * The documents of the sessions. Each method is one operation of the server. It caches the documents that were read or written last: with
 * a cached CAS, a swap or a touch needs no read, and a read no decoding.
 */
export class Documents {
  readonly #options: CheckedOptions
  readonly #cache: LruCache<CachedDocument>
  /** The versions of this bank's writes are its own random part and a count. */
  readonly #writer = randomBytes(9).toString('base64url')
  #writes = 0

  constructor(options: CheckedOptions) {
    this.#options = options
    this.#cache = new LruCache(options.memory, ({ payload }, id) => id.length + payload.length + OVERHEAD)
  }

  /** The document as it was last read or written here; undefined if it is not cached. */
  cached(id: string): CachedDocument | undefined {
    return this.#cache.get(id)
  }

  clearCache(): void {
    this.#cache.clear()
  }

  nextVersion(): string {
    return `${this.#writer}.${this.#writes++}`
  }

  /** The document as it is stored now, or null. */
  async get({ collection, sdk }: Connected, id: string): Promise<CachedDocument | null> {
    try {
      const { content, cas } = await collection.get(this.#keyOf(id), { transcoder, timeout: this.#options.operationTimeout })
      const cached = this.#cache.get(id)
      // Decoding it again would cost more than all the rest.
      if (cached !== undefined && isSame(cached, cas)) return cached
      const record = await this.#withExpiry({ collection, sdk }, id, decode(content))
      const document = { ...record, cas }
      this.#cache.set(id, document)
      return document
    } catch (error) {
      if (!isMissing(error)) throw error
      this.#cache.delete(id)
      return null
    }
  }

  /** Replaces the read document, if it is still stored; null: writes if there is none; undefined: writes always. Rejects on a CAS conflict. */
  async write(connected: Connected, id: string, entry: Entry, version: string, read?: CachedDocument | null): Promise<void> {
    this.#cache.delete(id)
    if (!isLive(entry, Date.now())) {
      // The server refuses an expiry in the past. The stored document is deleted instead.
      if (read !== null) await this.remove(connected, id, read?.cas)
      return
    }
    const { collection } = connected
    const method = read === undefined ? 'upsert' : read === null ? 'insert' : 'replace'
    const { cas } = await collection[method](this.#keyOf(id), encode(entry, version), this.#writeOptions(entry, read?.cas))
    this.#remember(id, entry, version, cas)
  }

  /** Changes the expiry of the read document, if it is still stored. Rejects on a CAS conflict. */
  async touch(connected: Connected, id: string, expires: number | null, read: CachedDocument): Promise<void> {
    const { payload, owner = null, version, cas, isOwn } = read
    const entry = { payload, expires, owner }
    // A document of connect-couchbase has no field for its expiry, one that has expired is deleted, and the SDK sends no expiry of 0
    // with a `mutateIn`: the server would keep the old one.
    const canMutate = isOwn && isLive(entry, Date.now()) && serverExpiry(expires) !== 0
    if (!canMutate) return this.write(connected, id, entry, version, read)
    const { collection, sdk } = connected
    this.#cache.delete(id)
    const specs = [sdk.MutateInSpec.replace(EXPIRES_PATH, expires)]
    const touched = await collection.mutateIn(this.#keyOf(id), specs, this.#writeOptions(entry, cas))
    this.#remember(id, entry, version, touched.cas)
  }

  /** Returns whether there was one. With a CAS, rejects on a conflict, and if there was none. */
  async remove({ collection }: Connected, id: string, cas?: Cas): Promise<boolean> {
    this.#cache.delete(id)
    try {
      await collection.remove(this.#keyOf(id), this.#removeOptions(cas))
      return true
    } catch (error) {
      if (cas === undefined && isMissing(error)) return false
      throw error
    }
  }

  /** A document of connect-couchbase expires when the server says or, if that is unknown, with its cookie. */
  async #withExpiry({ collection, sdk }: Connected, id: string, record: StoredRecord): Promise<StoredRecord> {
    if (record.isOwn) return record
    const specs = [sdk.LookupInSpec.get(sdk.LookupInMacro.Expiry)]
    const { content } = await collection.lookupIn(this.#keyOf(id), specs, { timeout: this.#options.operationTimeout })
    const second = content[0]?.value
    return typeof second === 'number' && second > 0 ? { ...record, expires: second * 1000 } : record
  }

  #keyOf(id: string): string {
    return this.#options.prefix + id
  }

  #remember(id: string, { payload, expires, owner = null }: Entry, version: string, cas: Cas): void {
    this.#cache.set(id, { payload, expires, owner, version, isOwn: true, cas })
  }

  #writeOptions({ expires }: Entry, cas?: Cas) {
    return { ...this.#removeOptions(cas), transcoder, expiry: serverExpiry(expires) }
  }

  #removeOptions(cas?: Cas) {
    const { durabilityLevel, operationTimeout: timeout } = this.#options
    return { durabilityLevel, timeout, ...(cas !== undefined && { cas }) }
  }
}

/**
 * Whether the document with this CAS is the cached one. Never for a document of connect-couchbase, which does not contain its expiry.
 * It compares bytes: the SDK compares CAS as text, which costs more than comparing a document.
 */
function isSame(cached: CachedDocument, cas: Cas): boolean {
  const [before, now] = [cached.cas, cas] as { readonly raw?: Buffer }[]
  return cached.isOwn && before?.raw !== undefined && now?.raw !== undefined && before.raw.equals(now.raw)
}

/** Runs the work of one key one after the other, and that of different keys side by side. */
export class KeyedMutex {
  readonly #last = new Map<string, Promise<unknown>>()

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const previous = this.#last.get(key) ?? Promise.resolve()
    const current: Promise<T> = previous.then(work, work).finally(() => {
      if (this.#last.get(key) === current) this.#last.delete(key)
    })
    this.#last.set(key, current)
    return current
  }
}
