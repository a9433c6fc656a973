import type { ClientSession, Collection, MongoClientLike } from './driver.ts'

/** What a session costs that is made for one command, and ended after it, is what it orders: reads after its own writes. */
const UNORDERED = { causalConsistency: false }

/**
 * A session that is lent to one command after the other. The driver would make one for each, at 8 % of the command's price. It may serve
 * one at a time only, so a command that comes meanwhile gets none, and the driver makes it one.
 */
export class LentSession {
  readonly #client: MongoClientLike
  #session: ClientSession | undefined
  #isLent = false
  #isOver: boolean

  constructor(client: MongoClientLike) {
    this.#client = client
    this.#isOver = client.startSession === undefined
  }

  /** The collection, whose commands on one document borrow the session. */
  lentTo(collection: Collection): Collection {
    return {
      findOne: (filter, options) => this.#lend((session) => collection.findOne(filter, { ...options, ...session })),
      updateOne: (filter, update, options) =>
        this.#lend((session) => collection.updateOne(filter, update, { ...options, ...session })),
      deleteOne: (filter, options) => this.#lend((session) => collection.deleteOne(filter, { ...options, ...session })),
      find: (filter, options) => collection.find(filter, options),
      replaceOne: (filter, replacement, options) => collection.replaceOne(filter, replacement, options),
      bulkWrite: (operations, options) => collection.bulkWrite(operations, options),
      deleteMany: (filter, options) => collection.deleteMany(filter, options),
      countDocuments: (filter, options) => collection.countDocuments(filter, options),
      createIndex: (keys, options) => collection.createIndex(keys, options),
      indexes: () => collection.indexes(),
    }
  }

  /** The client gets it back, at once or from the command that has it. */
  end(): void {
    this.#isOver = true
    if (!this.#isLent) this.#drop()
  }

  async #lend<T>(command: (options: { session?: ClientSession }) => Promise<T>): Promise<T> {
    if (this.#isLent || this.#isOver) return command({})
    this.#isLent = true
    try {
      return await command({ session: this.#started() })
    } catch (error) {
      // After a failure nobody knows how far the server has come with it.
      this.#drop()
      if ((error as Error | null)?.name !== 'MongoCompatibilityError') throw error
      // Not sent: this server knows no sessions.
      this.#isOver = true
      return await command({})
    } finally {
      this.#isLent = false
      if (this.#isOver) this.#drop()
    }
  }

  #started(): ClientSession {
    // A client that is closed ends its sessions, and may be opened again.
    if (this.#session === undefined || this.#session.hasEnded) this.#session = this.#client.startSession?.(UNORDERED)
    return this.#session as ClientSession
  }

  #drop(): void {
    this.#session?.endSession().catch(() => undefined)
    this.#session = undefined
  }
}
