import { randomBytes } from 'node:crypto'
import { type Entry, isAlive } from 'connect-databank'
import type { Cas } from './client.ts'
import type { Connected } from './connection.ts'
import { decode, encode, expiresPath, type Stored, serverExpiry, transcoder } from './documents.ts'
import { isMissing, isOvertaken } from './failures.ts'
import { idOf, placeOf } from './keys.ts'
import { Known, type Seen } from './known.ts'
import { type Listed, list } from './listing.ts'
import type { CheckedOptions } from './options.ts'

/** The documents of the sessions: what can be asked of them in one step each, and what is known of them. */
export class Sessions {
  readonly #options: CheckedOptions
  readonly #known: Known
  /** Names this bank's writes: its own part, and a count. */
  readonly #writer = randomBytes(9).toString('base64url')
  #writes = 0

  constructor(options: CheckedOptions) {
    this.#options = options
    this.#known = new Known(options.memory)
  }

  /** The document as it was when it was last read or written here; undefined if that is forgotten. */
  known(id: string): Seen | undefined {
    return this.#known.get(id)
  }

  forgetAll(): void {
    this.#known.clear()
  }

  nextWrite(): string {
    return `${this.#writer}.${this.#writes++}`
  }

  /** The document as it is now; null if there is none. */
  async look({ collection, sdk }: Connected, id: string): Promise<Seen | null> {
    const key = this.#keyOf(id)
    try {
      const { content, cas } = await collection.get(key, { transcoder, timeout: this.#options.operationTimeout })
      const stored = await this.#withExpiry({ collection, sdk }, key, decode(content))
      // Another id with the same hash: nobody has seen one.
      if (stored.id !== undefined && stored.id !== id) return null
      const seen = { ...stored, cas }
      this.#known.set(id, seen)
      return seen
    } catch (error) {
      if (!isMissing(error)) throw error
      this.#known.delete(id)
      return null
    }
  }

  /** Writes, whatever is there. */
  async put({ collection }: Connected, id: string, entry: Entry): Promise<void> {
    const write = this.nextWrite()
    this.#known.delete(id)
    const { cas } = await collection.upsert(this.#keyOf(id), this.#document(id, entry, write), this.#writeOptions(entry))
    this.#remember(id, entry, write, cas)
  }

  /** Writes over what was seen, if it is still the same; null: if there is still nothing. Fails if it was overtaken. */
  async putOver({ collection }: Connected, id: string, entry: Entry, write: string, seen: Seen | null): Promise<void> {
    this.#known.delete(id)
    const key = this.#keyOf(id)
    if (!isAlive(entry, Date.now())) {
      // Dead already: what is stored goes, and nothing comes.
      if (seen !== null) await collection.remove(key, { ...this.#mutationOptions(), cas: seen.cas })
      return
    }
    const document = this.#document(id, entry, write)
    const options = this.#writeOptions(entry)
    const { cas } =
      seen === null
        ? await collection.insert(key, document, options)
        : await collection.replace(key, document, { ...options, cas: seen.cas })
    this.#remember(id, entry, write, cas)
  }

  /** Moves the death of what was seen, if it is still the same. Fails if it was overtaken. */
  async move(connected: Connected, id: string, expires: number | null, seen: Seen): Promise<void> {
    const { payload, write, cas } = seen
    const entry = { payload, expires }
    // A document of connect-couchbase has no place for its death; what is dead already has no use for one.
    if (write === undefined || !isAlive(entry, Date.now())) return this.putOver(connected, id, entry, this.nextWrite(), seen)
    const { collection, sdk } = connected
    this.#known.delete(id)
    const specs = [sdk.MutateInSpec.replace(expiresPath, expires)]
    const moved = await collection.mutateIn(this.#keyOf(id), specs, {
      ...this.#mutationOptions(),
      expiry: serverExpiry(expires),
      cas,
    })
    this.#remember(id, entry, write, moved.cas)
  }

  /** Answers whether there was one. */
  async remove({ collection }: Connected, id: string): Promise<boolean> {
    this.#known.delete(id)
    return this.#removeKey({ collection }, this.#keyOf(id))
  }

  /** Removes it if it is still dead at `now`; answers whether it did. */
  async removeDead(connected: Connected, id: string, now: number): Promise<boolean> {
    const seen = await this.look(connected, id)
    if (seen === null || (seen.expires ?? Infinity) > now) return false
    this.#known.delete(id)
    try {
      await connected.collection.remove(this.#keyOf(id), { ...this.#mutationOptions(), cas: seen.cas })
      return true
    } catch (error) {
      if (isOvertaken(error)) return false
      throw error
    }
  }

  async *list(connected: Connected): AsyncGenerator<readonly [id: string, entry: Entry]> {
    const { prefix } = this.#options
    for await (const listed of list(connected.collection, connected.sdk, prefix, false)) {
      const stored = await this.#storedAs(connected, listed)
      const id = stored?.id ?? idOf(prefix, listed.id)
      if (stored !== null && id) yield [id, { payload: stored.payload, expires: stored.expires }]
    }
  }

  async removeAll({ collection, sdk }: Connected): Promise<void> {
    for await (const { id: key } of list(collection, sdk, this.#options.prefix, true)) await this.#removeKey({ collection }, key)
    this.#known.clear()
  }

  async #removeKey({ collection }: Pick<Connected, 'collection'>, key: string): Promise<boolean> {
    try {
      await collection.remove(key, this.#mutationOptions())
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  }

  /** A listed document that is gone since is none, and so is one that is damaged. */
  async #storedAs(connected: Connected, { id: key, content }: Listed): Promise<Stored | null> {
    try {
      const { operationTimeout: timeout } = this.#options
      const bytes = content ?? (await connected.collection.get(key, { transcoder, timeout })).content
      return await this.#withExpiry(connected, key, decode(bytes))
    } catch (error) {
      if (isMissing(error) || (error as { code?: unknown }).code === 'DATABANK_INVALID_RECORD') return null
      throw error
    }
  }

  /** When a document of connect-couchbase dies, the server knows; its cookie, if the server does not tell. */
  async #withExpiry({ collection, sdk }: Connected, key: string, stored: Stored): Promise<Stored> {
    if (stored.write !== undefined) return stored
    const specs = [sdk.LookupInSpec.get(sdk.LookupInMacro.Expiry)]
    const { content } = await collection.lookupIn(key, specs, { timeout: this.#options.operationTimeout })
    const second = content[0]?.value
    return typeof second === 'number' && second > 0 ? { ...stored, expires: second * 1000 } : stored
  }

  #keyOf(id: string): string {
    return placeOf(this.#options.prefix, id).key
  }

  #document(id: string, entry: Entry, write: string): Buffer {
    return encode(entry, write, placeOf(this.#options.prefix, id).isHashed ? id : undefined)
  }

  #remember(id: string, { payload, expires }: Entry, write: string, cas: Cas): void {
    this.#known.set(id, { payload, expires, write, id: undefined, cas })
  }

  #writeOptions({ expires }: Entry) {
    return { ...this.#mutationOptions(), transcoder, expiry: serverExpiry(expires) }
  }

  #mutationOptions() {
    return { durabilityLevel: this.#options.durabilityLevel, timeout: this.#options.operationTimeout }
  }
}
