import type { SessionData } from 'express-session'
import { type Bank, isLive, type Stored } from './bank.ts'
import {
  afterCookieSave,
  afterSave,
  afterTouch,
  type Baseline,
  baselineOf,
  baselineOfNew,
  beforeSave,
  type CookieDraft,
  type Draft,
  isKnownLater,
  mayShorten,
  type StoredSession,
  storedSession,
  type Tracked,
  track,
  trackedOf,
} from './baseline.ts'
import {
  cachedParse,
  encodeSession,
  formOf,
  isSameData,
  type Parse,
  type ParsedSession,
  parseStored,
  sessionOf,
} from './codec.ts'
import { boundedExpiry, expiresOf, isCookieChanged, isLater, isRecord, readCookie } from './cookie.ts'
import { DatabankError } from './errors.ts'
import { readLive, swap, touch } from './fallbacks.ts'
import type { StoreLog } from './log.ts'
import type { Merge } from './merge.ts'
import { type Cancellation, type Deadlines, throwIfCancelled } from './operation.ts'
import { WriteQueue } from './write-queue.ts'
import { isRefusal, type Write, Writer, type WriterRules } from './writer.ts'

export interface SessionRules {
  readonly bank: Bank
  readonly log: StoreLog
  readonly deadlines: Deadlines
  /** In milliseconds, all of these. */
  readonly ttl: number | null
  readonly touchAfter: number
  readonly timeout: number
  readonly absoluteTimeout: number | null
  /** Whether the creation time is stored with each session. */
  readonly storesCreated: boolean
  readonly merge: Merge | undefined
  readonly ownerOf: ((session: SessionData) => string | null) | undefined
}

/** Writes of one session that arrived while another was under way, and are committed as one. */
interface Group extends Cancellation {
  readonly writes: Write[]
  done: Promise<void>
}

const NOT_BEGUN: Promise<void> = Promise.resolve()

/**
 * The rules about sessions: when to serve one, how to resolve writes of two requests, what a touch may change. A request calls `load`,
 * `loaded` and `adopt`, and then `save` or `touch`.
 */
export class Sessions {
  readonly #rules: SessionRules
  readonly #parseStored: Parse
  readonly #queue = new WriteQueue<Group, StoredSession>()
  readonly #writer: Writer

  constructor(rules: SessionRules) {
    this.#rules = rules
    const { bank, log, merge, ownerOf, storesCreated } = rules
    this.#parseStored = bank.isLocal === true ? cachedParse() : (_id, stored) => parseStored(stored)
    const draftOf: WriterRules['draftOf'] = (session, created, owner) => this.#draftOf(session, created, owner)
    const bounded = (expires: number | null, created: number | undefined): number | null => this.#bounded(expires, created)
    const parse: WriterRules['parse'] = (id, stored) => this.#parse(id, stored)
    this.#writer = new Writer({ bank, parse, log, merge, draftOf, ownerOf, storesCreated, bounded })
  }

  /** The live entry, or null. Waits for writes of the session that are under way: a request reads the writes of the previous one. */
  load(id: string): Promise<Stored | null> {
    const { bank, deadlines, timeout } = this.#rules
    const writing = this.#queue.pending(id)
    const reading = writing === undefined ? bank.read(id) : writing.then(() => bank.read(id))
    return deadlines.limit(reading, 'get', (stored) => {
      const now = Date.now()
      if (isLive(stored, now)) return stored
      // It may have been live when it was read, and extended since.
      const mayBeLive = stored !== null && isLive(stored, now - 2 * timeout)
      return mayBeLive ? readLive(bank, id) : null
    })
  }

  /**
   * Moves the session that is stored under its plain id to the hashed one. Returns the entry, or null if there is none. If the session
   * is ended meanwhile, it stays ended.
   */
  moveToHashedId(plainId: string, id: string): Promise<Stored | null> {
    const { bank } = this.#rules
    const work = async (cancellation: Cancellation): Promise<Stored | null> => {
      const stored = await readLive(bank, plainId)
      // Another request may have moved it since.
      if (stored === null) return readLive(bank, id)
      // A record that cannot be decrypted would be encrypted again, under another id.
      if (stored.corrupt !== undefined) return stored
      throwIfCancelled(cancellation, 'get')
      const { payload, expires, owner = null } = stored
      const isMoved = (await swap(bank, id, null, { payload, expires, owner }, cancellation)) !== null
      if (isMoved && !(await bank.delete(plainId))) {
        await bank.delete(id)
        return null
      }
      return readLive(bank, id)
    }
    return this.#inTurn(id, 'get', work)
  }

  /** The session of an entry, with its baseline; null if the record is corrupt or its absolute time-out is over. */
  loaded(id: string, stored: Stored): SessionData | null {
    const parsed = this.#parse(id, stored)
    if (parsed === null) return null
    const expires = this.#bounded(stored.expires, parsed.created)
    if (expires !== null && expires <= Date.now()) return null
    const session = sessionOf(parsed, expires)
    // The cookie as the caller gets it: compared by its time and by its other fields.
    const { fields, expires: own } = parsed.cookie
    const cookie = { fields, expires: own === null ? null : (expires ?? own) }
    track(session, { tracker: this, baseline: baselineOf(id, storedSession(parsed, stored), cookie) })
    return session
  }

  /** When the session was created, in epoch milliseconds; 0 if that is unknown. */
  createdOf(id: string, stored: Stored): number {
    return this.#parse(id, stored)?.created ?? 0
  }

  /** The live session that express-session makes from loaded data continues with the data's baseline. */
  adopt(data: object, live: object): void {
    const tracked = trackedOf(data, this)
    if (tracked !== undefined) track(live, { tracker: this, baseline: tracked.baseline })
  }

  /**
   * Writes the session as it is now. A loaded session is merged with later writes of others, or dropped if it was destroyed. Returns
   * whether it was written.
   */
  save(id: string, session: SessionData): Promise<boolean> {
    const tracked = this.#trackedOf(id, session)
    // Made at once: the caller may change its session while the write waits.
    const draft = this.#draftOf(session, tracked?.baseline.created, tracked?.baseline.owner ?? null)
    return tracked === undefined ? this.#create(id, session, draft) : this.#update(id, { tracked, draft, isTouch: false })
  }

  /** Changes the expiry to that of the cookie, and stores a changed cookie. A session that is missing stays missing. */
  touch(id: string, session: SessionData): Promise<void> {
    const { bank } = this.#rules
    const tracked = this.#trackedOf(id, session)
    const draft = this.#cookieDraftOf(session, tracked?.baseline.created)
    // If a touch is a read and a save, no other write may come in between.
    const isAtomic = bank.touch !== undefined || bank.swap !== undefined
    if (tracked === undefined || !isAtomic || this.#needsRewrite(tracked.baseline, session, draft)) {
      return this.#touchInTurn(id, session)
    }
    const writing = this.#queue.pending(id)
    if (writing === undefined) return this.#moveExpiry(tracked, draft, 'touch')
    // A write under way may end later, with an expiry of its own.
    const move = (): Promise<void> =>
      this.#needsRewrite(tracked.baseline, session, draft)
        ? this.#touchInTurn(id, session)
        : this.#moveExpiry(tracked, draft, 'touch')
    return this.#rules.deadlines.limit(writing.then(move), 'touch')
  }

  /**
   * Ends the session. Returns whether there was one.
   *
   * @param plainId another id under which it may be stored
   */
  destroy(id: string, plainId?: string): Promise<boolean> {
    const { bank } = this.#rules
    const remove = async (): Promise<boolean> => {
      // The plain one first: a process that is moving it finds it gone, or its copy is deleted here.
      const wasPlain = plainId !== undefined && (await bank.delete(plainId))
      return (await bank.delete(id)) || wasPlain
    }
    return this.#inTurn(id, 'destroy', remove)
  }

  /** Deletes the entry if it has expired, after pending writes of the session: so it never deletes an acknowledged save. */
  deleteExpired(id: string): Promise<boolean> {
    const { bank } = this.#rules
    const remove = async (cancellation: Cancellation): Promise<boolean> => {
      const stored = await bank.read(id)
      throwIfCancelled(cancellation, 'cleanup')
      return stored !== null && !isLive(stored, Date.now()) && (await bank.delete(id))
    }
    return this.#inTurn(id, 'cleanup', remove)
  }

  /** Atomic read-modify-write; see `Writer.update`. */
  update(id: string, change: Parameters<Writer['update']>[1]): Promise<SessionData | null> {
    return this.#inTurn(id, 'update', (cancellation) => this.#writer.update(id, change, cancellation))
  }

  /**
   * Stores the entry's owner and creation time again, if they differ from those by the options; otherwise only indexes its owner.
   * Returns whether the entry was changed.
   */
  reindex(id: string): Promise<boolean> {
    const work = async (cancellation: Cancellation): Promise<boolean> => {
      const tracked = await this.#loadTracked(id)
      if (tracked === undefined) return false
      const { owner, expires } = tracked.baseline
      const session = storedDataOf(tracked.baseline)
      if (this.#ownerOf(session, owner) === owner) {
        if (owner !== null) await this.#rules.bank.indexOwner?.(id, owner)
        return false
      }
      return (await this.#rewriteCookie(id, tracked, { cookie: readCookie(session.cookie), expires }, cancellation)) !== null
    }
    return this.#inTurn(id, 'reindex', work)
  }

  /** Saves a session that was not loaded, without a comparison. The next save of the same session object is compared with this one. */
  #create(id: string, session: SessionData, draft: Draft): Promise<boolean> {
    const tracked: Tracked | undefined = 'req' in session ? { tracker: this, baseline: baselineOfNew(id, draft) } : undefined
    if (tracked !== undefined) track(session, tracked)
    const create = (cancellation: Cancellation): Promise<StoredSession> =>
      tracked === undefined ? this.#writer.replace(id, draft, cancellation) : this.#writer.create(id, draft, cancellation)
    return this.#inTurn(id, 'set', create, (stored) => {
      if (tracked !== undefined) tracked.baseline = afterSave(tracked.baseline, draft, stored)
      return true
    })
  }

  /** Joins the waiting writes of the same session, if there are any; otherwise waits in the queue. */
  #update(id: string, write: Write): Promise<boolean> {
    const { deadlines, merge } = this.#rules
    const end = (): boolean => {
      const { result, failure, tracked, draft } = write
      if (failure !== undefined) throw failure
      if (result === null) return false
      // Undefined: it changed no data, and at most the expiry.
      if (result !== undefined) tracked.baseline = afterSave(tracked.baseline, draft, result)
      return true
    }
    const open = this.#queue.openGroup(id)
    if (open?.writes.every(({ tracked }) => tracked !== write.tracked)) {
      open.writes.push(write)
      return deadlines.limit(open.done, 'set', end)
    }
    const group: Group = { writes: [write], done: NOT_BEGUN, isCancelled: false }
    const work = (): Promise<void> => {
      this.#queue.closeGroup(id, group)
      // Their requests know no more than that they have timed out.
      if (group.isCancelled) for (const { tracked, draft } of group.writes) tracked.baseline = beforeSave(tracked.baseline, draft)
      throwIfCancelled(group, 'set')
      return this.#writeGroup(id, group)
    }
    const start = (previous: Promise<void> | undefined): Promise<boolean> => {
      group.done = previous === undefined ? work() : previous.then(work)
      return deadlines.limit(group.done, 'set', end, group)
    }
    // The caller's `merge` may throw for one write, and must not fail the others.
    return this.#queue.run(id, start, merge === undefined ? group : undefined)
  }

  async #writeGroup(id: string, group: Group): Promise<void> {
    const changing = group.writes.filter((write) => this.#isChange(write))
    if (changing.length > 0) {
      const known = this.#knownStored(id, changing)
      // Until the write has succeeded, the stored version is unknown.
      this.#queue.setLastResult(id, undefined)
      try {
        const stored = await this.#writer.write(id, changing, known, group)
        this.#queue.setLastResult(id, stored ?? undefined)
      } catch (error) {
        if (changing.length === 1 || !isRefusal(error)) throw error
        await this.#writeSingly(id, changing, group)
      }
    }
    for (const write of group.writes) {
      if (changing.includes(write)) continue
      throwIfCancelled(group, 'set')
      this.#queue.setLastResult(id, undefined)
      await this.#moveExpiry(write.tracked, write.draft, 'set', group)
    }
  }

  /** What the bank refuses of one request must not fail the others. */
  async #writeSingly(id: string, writes: readonly Write[], group: Group): Promise<void> {
    for (const write of writes) {
      await this.#writer.write(id, [write], undefined, group).catch((failure) => {
        write.failure = failure
      })
    }
  }

  /**
   * The stored session, as far as this process knows without a read: the result of the previous write, or the loaded session. Only the
   * bank knows a later expiry that another request has stored by a touch.
   */
  #knownStored(id: string, writes: readonly Write[]): StoredSession | undefined {
    if (writes.some(({ tracked, draft }) => mayShorten(tracked.baseline, draft))) return undefined
    const last = this.#queue.lastResult(id)
    if (last !== undefined) return writes.every(({ draft }) => !isLater(last.expires, draft.expires)) ? last : undefined
    const { baseline } = writes[0]!.tracked
    return baseline.isMerged || baseline.isNew ? undefined : baseline
  }

  /** A touch that has to read or to rewrite the record, in the write queue. */
  #touchInTurn(id: string, session: SessionData): Promise<void> {
    const work = async (cancellation: Cancellation): Promise<void> => {
      const tracked = this.#trackedOf(id, session) ?? (await this.#loadTracked(id))
      if (tracked === undefined) return
      throwIfCancelled(cancellation, 'touch')
      const draft = this.#cookieDraftOf(session, tracked.baseline.created)
      if (this.#needsRewrite(tracked.baseline, session, draft)) await this.#rewriteCookie(id, tracked, draft, cancellation)
      else await this.#moveExpiry(tracked, draft, 'touch', cancellation)
    }
    return this.#inTurn(id, 'touch', work)
  }

  /** Stores another cookie, owner or creation time, and keeps the data. */
  async #rewriteCookie(
    id: string,
    tracked: Tracked,
    { cookie, expires }: CookieDraft,
    cancellation: Cancellation,
  ): Promise<StoredSession | null> {
    const { baseline } = tracked
    const created = this.#createdOf(baseline.created)
    const draft: Draft = {
      text: encodeSession(formOf(baseline.text), cookie, created),
      cookie,
      expires: this.#bounded(expires, created),
      owner: this.#ownerOf(storedDataOf(baseline), baseline.owner),
      created,
    }
    const write: Write = { tracked, draft, isTouch: true }
    const known = mayShorten(baseline, draft) || baseline.isMerged || baseline.isNew ? undefined : baseline
    const stored = await this.#writer.write(id, [write], known, cancellation)
    if (stored !== null) tracked.baseline = afterCookieSave(tracked.baseline, draft, stored)
    return stored
  }

  /** Whether a touch has to rewrite the record: its cookie, owner or creation time differ from the stored ones. */
  #needsRewrite(baseline: Baseline, session: SessionData, draft: CookieDraft): boolean {
    const { storesCreated, ownerOf } = this.#rules
    return (
      isCookieChanged(baseline.cookie, draft.cookie) ||
      (storesCreated && baseline.created === undefined) ||
      (ownerOf !== undefined &&
        this.#isOwnerChanged(baseline, ownerOf(session)) &&
        // The data may have changed without a save.
        this.#isOwnerChanged(baseline, ownerOf(storedDataOf(baseline))))
    )
  }

  /** Whether the write has other data or another cookie than the baseline, or may have been stored already. */
  #isChange({ tracked: { baseline }, draft }: Write): boolean {
    return (
      baseline.unconfirmed !== undefined ||
      isCookieChanged(baseline.cookie, draft.cookie) ||
      !isSameData(baseline.text, draft.text) ||
      this.#isOwnerChanged(baseline, draft.owner)
    )
  }

  /** Whether another owner has to be stored. Without an index, the data of a session give its owner if none is stored. */
  #isOwnerChanged(baseline: Baseline, owner: string | null): boolean {
    return owner !== baseline.owner && (this.#rules.bank.idsOf !== undefined || baseline.owner !== null)
  }

  /** Sends a touch, if it is due. A set that changes no data ends here as well. */
  #moveExpiry(tracked: Tracked, draft: CookieDraft, operation: 'touch' | 'set', inTurn?: Cancellation): Promise<void> {
    const { bank, deadlines } = this.#rules
    const { baseline } = tracked
    const { id } = baseline
    if (!this.#isTouchDue(baseline, draft)) return Promise.resolve()
    const keepsLater = operation === 'set' ? mayShorten(baseline, draft) : isKnownLater(baseline, draft)
    const cancellation: Cancellation = inTurn ?? { isCancelled: false }
    const end = (expires: number | null): void => {
      tracked.baseline = afterTouch(tracked.baseline, expires, draft.cookie)
    }
    if (keepsLater) return deadlines.limit(this.#extend(id, draft.expires, cancellation), operation, end, cancellation)
    return deadlines.limit(touch(bank, id, draft.expires, cancellation), operation, () => end(draft.expires), cancellation)
  }

  /** Changes the expiry, unless the stored one is later. Returns when the session expires. */
  async #extend(id: string, expires: number | null, cancellation: Cancellation): Promise<number | null> {
    const stored = await readLive(this.#rules.bank, id)
    if (stored === null) return expires
    if (!isLater(expires, stored.expires)) return stored.expires
    throwIfCancelled(cancellation, 'touch')
    await touch(this.#rules.bank, id, expires, cancellation)
    return expires
  }

  /** A touch is not due if it extends the expiry by less than `touchAfter`, unless half of the lifetime has passed. */
  #isTouchDue(baseline: Baseline, { expires }: CookieDraft): boolean {
    if (expires === null || baseline.expires === null) return true
    const gain = expires - baseline.expires
    const lifetime = expires - Date.now()
    return gain < 0 || gain >= Math.min(this.#rules.touchAfter, lifetime / 2)
  }

  /**
   * Runs the work after earlier writes of the same session, and `next` with its result if that is in time. The write after it does not know
   * its result.
   */
  #inTurn<T, Next = T>(
    id: string,
    operation: string,
    work: (cancellation: Cancellation) => Promise<T>,
    next?: (value: T) => Next,
  ): Promise<Next> {
    const cancellation: Cancellation = { isCancelled: false }
    const begin = (): Promise<T> => {
      throwIfCancelled(cancellation, operation)
      this.#queue.setLastResult(id, undefined)
      return work(cancellation)
    }
    return this.#queue.run(id, (previous) => {
      const done = previous === undefined ? begin() : previous.then(begin)
      return this.#rules.deadlines.limit(done, operation, next, cancellation)
    })
  }

  #trackedOf(id: string, session: object): Tracked | undefined {
    const tracked = trackedOf(session, this)
    return tracked?.baseline.id === id ? tracked : undefined
  }

  /** The baseline of the stored session, for a session object that was never loaded. */
  async #loadTracked(id: string): Promise<Tracked | undefined> {
    const stored = await readLive(this.#rules.bank, id)
    const session = stored === null ? null : this.loaded(id, stored)
    return session === null ? undefined : trackedOf(session, this)
  }

  #parse(id: string, stored: Stored): ParsedSession | null {
    const parsed = this.#parseStored(id, stored)
    if (parsed === null) this.#rules.log.corrupt(id, stored.corrupt ?? 'it is not the JSON of a session')
    return parsed
  }

  #draftOf(session: SessionData, created: number | undefined, owner: string | null): Draft {
    const createdAt = this.#createdOf(created)
    const { cookie, expires } = this.#cookieDraftOf(session, createdAt)
    const text = encodeSession(session, cookie, createdAt)
    return { text, cookie, expires, owner: this.#ownerOf(session, owner), created: createdAt }
  }

  #cookieDraftOf(session: SessionData, created: number | undefined): CookieDraft {
    if (!isRecord(session) || !isRecord(session.cookie)) {
      throw new DatabankError('DATABANK_INVALID_SESSION', 'a session must be an object with a cookie')
    }
    const cookie = readCookie(session.cookie)
    return { cookie, expires: this.#bounded(expiresOf(cookie, this.#rules.ttl, Date.now()), created) }
  }

  #createdOf(created: number | undefined): number | undefined {
    return created ?? (this.#rules.storesCreated ? Date.now() : undefined)
  }

  /** Without the option `owner`, the stored owner stays: other instances may have the option. */
  #ownerOf(session: SessionData, stored: string | null): string | null {
    return this.#rules.ownerOf === undefined ? stored : this.#rules.ownerOf(session)
  }

  /** The expiry, at most that of the absolute time-out. */
  #bounded(expires: number | null, created: number | undefined): number | null {
    return boundedExpiry(expires, created, this.#rules.absoluteTimeout)
  }
}

/** The data that a session object was loaded with, or last saved. */
function storedDataOf({ text, cookie, expires }: Baseline): SessionData {
  return sessionOf({ form: formOf(text), cookie }, expires)
}
