import { randomBytes } from 'node:crypto'
import { type Entry, isAlive } from 'connect-databank'
import type { Cas, Written } from './client.ts'
import type { Connected } from './connection.ts'
import { decode, encode, expiresPath, type Stored, serverExpiry, transcoder } from './documents.ts'
import { isMissing, isOvertaken } from './failures.ts'
import { idOf, type Place, placeOf } from './keys.ts'
import { createKnown, isSame, type Known, type Seen } from './known.ts'
import { type Listed, list, type Wanted } from './listing.ts'
import type { CheckedOptions } from './options.ts'
import { OwnWrites } from './own-writes.ts'

/** The documents of the sessions: what can be asked of them in one step each, and what is known of them. */
export class Sessions {
  readonly #options: CheckedOptions
  readonly #known: Known
  readonly #ownWrites = new OwnWrites()
  /** Names this bank's writes: its own part, and a count. */
  readonly #writer = randomBytes(9).toString('base64url')
  #writes = 0

  constructor(options: CheckedOptions) {
    this.#options = options
    this.#known = createKnown(options.memory)
  }

  /** The document as it was when it was last read or written here; undefined if that is forgotten. */
  known(id: string): Seen | undefined {
    return this.#known.get(id)
  }

  forgetAll(): void {
    this.#known.clear()
    this.#ownWrites.clear()
  }

  nextWrite(): string {
    return `${this.#writer}.${this.#writes++}`
  }

  /** The document as it is now; null if there is none. */
  async look({ collection, sdk }: Connected, id: string): Promise<Seen | null> {
    const { key } = this.#placeOf(id)
    try {
      const { content, cas } = await collection.get(key, { transcoder, timeout: this.#options.operationTimeout })
      const known = this.#known.get(id)
      // To decode it again would cost more than all else here.
      if (known !== undefined && isSame(known, cas)) return known
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
    const place = this.#placeOf(id)
    const write = this.nextWrite()
    this.#known.delete(id)
    const written = await collection.upsert(place.key, documentOf(id, place, entry, write), this.#writeOptions(entry))
    this.#remember(id, place, entry, write, written)
  }

  /** Writes over what was seen, if it is still the same; null: if there is still nothing. Fails if it was overtaken. */
  async putOver({ collection }: Connected, id: string, entry: Entry, write: string, seen: Seen | null): Promise<void> {
    this.#known.delete(id)
    const place = this.#placeOf(id)
    if (!isAlive(entry, Date.now())) {
      // Dead already: what is stored goes, and nothing comes.
      if (seen !== null) await this.#removeKey({ collection }, place.key, seen.cas)
      return
    }
    const document = documentOf(id, place, entry, write)
    const written =
      seen === null
        ? await collection.insert(place.key, document, this.#writeOptions(entry))
        : await collection.replace(place.key, document, this.#writeOptions(entry, seen.cas))
    this.#remember(id, place, entry, write, written)
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
    const place = this.#placeOf(id)
    const moved = await collection.mutateIn(place.key, specs, this.#writeOptions(entry, cas))
    this.#remember(id, place, entry, write, moved)
  }

  /** Answers whether there was one. */
  async remove({ collection }: Connected, id: string): Promise<boolean> {
    this.#known.delete(id)
    return this.#removeIfThere({ collection }, this.#placeOf(id).key)
  }

  /** Removes it if it is still dead at `now`; answers whether it did. */
  async removeDead(connected: Connected, id: string, now: number): Promise<boolean> {
    const seen = await this.look(connected, id)
    if (seen === null || (seen.expires ?? Infinity) > now) return false
    this.#known.delete(id)
    try {
      await this.#removeKey(connected, this.#placeOf(id).key, seen.cas)
      return true
    } catch (error) {
      if (isOvertaken(error)) return false
      throw error
    }
  }

  async *list(connected: Connected): AsyncGenerator<readonly [id: string, entry: Entry]> {
    const { prefix } = this.#options
    for await (const listed of list(connected.collection, connected.sdk, this.#wanted(false))) {
      const stored = await this.#storedAs(connected, listed)
      const id = stored?.id ?? idOf(prefix, listed.id)
      if (stored !== null && id) yield [id, { payload: stored.payload, expires: stored.expires }]
    }
  }

  async removeAll({ collection, sdk }: Connected): Promise<void> {
    for await (const { id: key } of list(collection, sdk, this.#wanted(true))) await this.#removeIfThere({ collection }, key)
    this.#known.clear()
  }

  async #removeKey({ collection }: Pick<Connected, 'collection'>, key: string, cas?: Cas): Promise<void> {
    const { durabilityLevel, operationTimeout: timeout } = this.#options
    const { token } = await collection.remove(key, { durabilityLevel, timeout, cas })
    this.#ownWrites.add(key, token)
  }

  /** Answers whether it was there. */
  async #removeIfThere(connected: Pick<Connected, 'collection'>, key: string): Promise<boolean> {
    try {
      await this.#removeKey(connected, key)
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

  #placeOf(id: string): Place {
    return placeOf(this.#options.prefix, id)
  }

  #remember(id: string, { key }: Place, { payload, expires }: Entry, write: string, { cas, token }: Written): void {
    this.#known.set(id, { payload, expires, write, id: undefined, cas })
    this.#ownWrites.add(key, token)
  }

  #writeOptions({ expires }: Entry, cas?: Cas) {
    const { durabilityLevel, operationTimeout: timeout } = this.#options
    return { durabilityLevel, timeout, transcoder, expiry: serverExpiry(expires), cas }
  }

  #wanted(idsOnly: boolean): Wanted {
    const { prefix, operationTimeout: timeout } = this.#options
    return { prefix, idsOnly, after: this.#ownWrites.tokens(), timeout }
  }
}

function documentOf(id: string, { isHashed }: Place, entry: Entry, write: string): Buffer {
  return encode(entry, write, isHashed ? id : undefined)
}
