import { type Entry, isAlive } from 'connect-databank'
import type { Collection, Filter, StoredDocument, WriteResult } from './driver.ts'
import { isDuplicateId } from './failures.ts'
import { changeTo, fieldsOf, type Layout } from './layout.ts'
import type { StoredSession } from './payload.ts'
import { Updates } from './updates.ts'

/** Tries of a save that others' first saves of the same id get in the way of. */
const tries = 3

/** Writes entries, each by one update whose condition says what must be there. */
export class Writer {
  readonly #updates = new Updates()
  readonly #layout: Layout
  readonly #formOf: (payload: string) => StoredSession

  /** @param formOf the form in which payloads are written; throws for one that cannot be */
  constructor(layout: Layout, formOf: (payload: string) => StoredSession) {
    this.#layout = layout
    this.#formOf = formOf
  }

  /** Writes whatever is there. */
  async save(collection: Collection, _id: string, entry: Entry): Promise<void> {
    // Two first saves of one id may both find nothing there; the one that is refused finds a document when it tries again.
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#write(collection, { _id }, entry, true)
        return
      } catch (error) {
        if (attempt === tries || !isDuplicateId(error)) throw error
      }
    }
  }

  /** Writes where nothing alive is: in place of the dead document or, if there is none, as a new one. Answers whether it did. */
  async insert(collection: Collection, _id: string, entry: Entry): Promise<boolean> {
    try {
      return await this.#write(collection, { _id, ...this.#layout.dead(Date.now()) }, entry, true)
    } catch (error) {
      // No dead document was found, yet one is there: it is alive.
      if (isDuplicateId(error)) return false
      throw error
    }
  }

  /** Writes where this payload lives. Answers whether it did. */
  async replace(collection: Collection, _id: string, expected: string, entry: Entry): Promise<boolean> {
    const form = this.#ownForm(expected)
    const filter = { _id, session: { $eq: form }, ...this.#layout.alive(Date.now()) }
    if (form !== undefined && (await this.#write(collection, filter, entry, false))) return true
    return this.#replaceOther(collection, _id, expected, entry)
  }

  /**
   * The document may say the same in another form than ours (text, a sub-document, a record of 1.x), which no condition on the
   * payload can tell. What is found then is the condition itself, so the write takes place only if that is still what is there.
   */
  async #replaceOther(collection: Collection, _id: string, expected: string, entry: Entry): Promise<boolean> {
    const document = (await collection.findOne({ _id }, { readPreference: 'primary' })) as StoredDocument | null
    if (document === null) return false
    const [stored, now] = [this.#layout.entryOf(document), Date.now()]
    if (!isAlive(stored, now) || stored.payload !== expected) return false
    return this.#write(collection, { ...this.#layout.unchanged(document), ...this.#layout.alive(now) }, entry, false)
  }

  /** Makes the document that the filter matches hold the entry; answers whether there was or, with `upsert`, now is one. */
  async #write(collection: Collection, filter: Filter, { payload, expires }: Entry, upsert: boolean): Promise<boolean> {
    const session = this.#formOf(payload)
    if (!this.#layout.replaces) {
      // What a swap expects is about as large as what it stores.
      const weight = payload.length * (upsert ? 1 : 2)
      return this.#updates.apply(collection, { filter, change: changeTo(session, expires), upsert, weight })
    }
    const replaced = await collection.replaceOne(filter, fieldsOf(session, expires), { upsert })
    const { matchedCount, upsertedCount } = replaced as WriteResult
    return matchedCount + upsertedCount === 1
  }

  #ownForm(payload: string): StoredSession | undefined {
    try {
      return this.#formOf(payload)
    } catch {
      return undefined
    }
  }
}
