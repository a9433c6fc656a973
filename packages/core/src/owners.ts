import type { SessionData } from 'express-session'
import { type Bank, isLive, type Stored } from './bank.ts'
import { DatabankError, invalidOption, messageOf } from './errors.ts'
import { forEachConcurrently, limitSteps, readMany } from './fallbacks.ts'
import type { Sessions } from './sessions.ts'

/** The longest owner, in bytes of UTF-8. */
const LONGEST_OWNER = 1_024
/** How many sessions are read at once. */
const BATCH = 100

type OwnerOption = (session: SessionData) => string | number | null | undefined

/** A session of an owner: the stored id and the stored entry. */
type Found = readonly [id: string, stored: Stored]

/** The option `owner`, with a check of its result: a text of at most 1,024 bytes, or null. */
export function ownerRule(owner: OwnerOption): (session: SessionData) => string | null {
  return (session) => {
    let value: ReturnType<OwnerOption>
    try {
      value = owner(session)
    } catch (cause) {
      throw new DatabankError('DATABANK_INVALID_SESSION', `owner: ${messageOf(cause)}`, { cause })
    }
    if (value == null || value === '') return null
    const text = textOf(value)
    if (text !== undefined) return text
    throw new DatabankError(
      'DATABANK_INVALID_SESSION',
      `owner must return a text of at most ${LONGEST_OWNER} bytes, a number or null`,
    )
  }
}

/**
 * The owner in a caller's argument.
 *
 * @throws DATABANK_INVALID_OPTION
 */
export function requireOwner(owner: unknown): string {
  const text = textOf(owner)
  if (text !== undefined) return text
  throw invalidOption(`the owner must be a text of 1 to ${LONGEST_OWNER} bytes or a number`)
}

/** An owner as it is stored; undefined if the value is not an owner. */
function textOf(owner: unknown): string | undefined {
  const text = typeof owner === 'number' && Number.isFinite(owner) ? String(owner) : owner
  if (typeof text !== 'string' || text === '' || !text.isWellFormed()) return undefined
  return Buffer.byteLength(text) <= LONGEST_OWNER ? text : undefined
}

export interface OwnersRules {
  readonly bank: Bank
  readonly sessions: Sessions
  /** Ends the session that is stored under this id. Returns whether there was one. */
  readonly end: (id: string) => Promise<boolean>
  readonly ownerOf: ((session: SessionData) => string | null) | undefined
  /** All entries of the bank, each step within the store's time-out. */
  readonly scan: () => AsyncIterable<Found>
  /** Bounds one operation of the bank by the store's time-out. */
  readonly limit: <T>(promise: Promise<T>, operation: string) => Promise<T>
}

/** The sessions of a user: found by the bank's index, else by a scan of all. */
export class Owners {
  readonly #rules: OwnersRules

  constructor(rules: OwnersRules) {
    this.#rules = rules
  }

  /** The live sessions of an owner, by the ids that they are stored under. */
  async *sessionsOf(owner: string): AsyncGenerator<[id: string, session: SessionData], void, undefined> {
    for await (const [id, stored] of this.#found(owner)) {
      const session = this.#rules.sessions.loaded(id, stored)
      if (session !== null) yield [id, session]
    }
  }

  /** Ends all sessions of an owner that are stored now, except those with the ids `kept`. Returns how many ended. */
  async destroySessionsOf(owner: string, kept: readonly (string | undefined)[]): Promise<number> {
    let ended = 0
    // All ids first: a session that is stored while others are being ended began after the call.
    const ids: string[] = []
    for await (const [id] of this.#found(owner)) if (!kept.includes(id)) ids.push(id)
    await forEachConcurrently(ids, async (id) => {
      if (await this.#rules.end(id)) ended++
    })
    return ended
  }

  /**
   * Ends the oldest sessions of an owner, so that `max` remain. Parallel logins end the same sessions: the newest of all is never among
   * them.
   *
   * @param login the session that has just got the owner, and the start of its save in epoch milliseconds: this counts as its creation
   *   if it was created earlier
   */
  async limitSessions(owner: string, max: number, login: { id: string; at: number }): Promise<void> {
    const found: { id: string; since: number }[] = []
    for await (const [id, stored] of this.#found(owner)) {
      const created = this.#rules.sessions.createdOf(id, stored)
      found.push({ id, since: id === login.id ? Math.max(created, login.at) : created })
    }
    // By id if the times are equal: all processes must order the sessions in the same way.
    found.sort((first, second) => second.since - first.since || (first.id < second.id ? 1 : -1))
    for (const { id } of found.slice(max)) await this.#rules.end(id)
  }

  /** Stores the owner of each session again. Returns how many were changed. */
  async reindex(): Promise<number> {
    const { ownerOf, sessions, scan } = this.#rules
    if (ownerOf === undefined) throw invalidOption('reindexOwners needs the option owner')
    let changed = 0
    await forEachConcurrently(scan(), async ([id, stored]) => {
      if (isLive(stored, Date.now()) && (await sessions.reindex(id))) changed++
    })
    return changed
  }

  async *#found(owner: string): AsyncGenerator<Found, void, undefined> {
    const { bank, limit } = this.#rules
    if (bank.idsOf === undefined) return yield* this.#foundByScan(owner)
    let batch: string[] = []
    for await (const id of limitSteps(bank.idsOf(owner), (step) => limit(step, 'sessionsOf'))) {
      batch.push(id)
      if (batch.length < BATCH) continue
      yield* this.#readOwned(owner, batch)
      batch = []
    }
    if (batch.length > 0) yield* this.#readOwned(owner, batch)
  }

  async *#readOwned(owner: string, ids: readonly string[]): AsyncGenerator<Found, void, undefined> {
    const found = await this.#rules.limit(readMany(this.#rules.bank, ids), 'sessionsOf')
    for (const [index, stored] of found.entries()) {
      // The session may have ended, or may have another owner now.
      if (isLive(stored, Date.now()) && stored.owner === owner) yield [ids[index]!, stored]
    }
  }

  async *#foundByScan(owner: string): AsyncGenerator<Found, void, undefined> {
    const { ownerOf, sessions, scan } = this.#rules
    for await (const [id, stored] of scan()) {
      if (!isLive(stored, Date.now())) continue
      const session = stored.owner == null && ownerOf !== undefined ? sessions.loaded(id, stored) : null
      if ((session === null ? stored.owner : ownerOf!(session)) === owner) yield [id, stored]
    }
  }
}
