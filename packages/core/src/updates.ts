import type { SessionData } from 'express-session'
import type { Bank } from './bank.ts'
import { requireInTime, type Task } from './deadline.ts'
import { swapInTurn, touch } from './derive.ts'
import { DatabankError } from './errors.ts'
import { expiresOf, isNotSooner } from './expiry.ts'
import type { Journal } from './journal.ts'
import { readLiving } from './living.ts'
import { changedKeys, type Merge, mergeByKey, withCookie } from './merge.ts'
import { cookieFields, decodeSession, encodeSession, requireCookie } from './record.ts'
import type { Snapshot } from './snapshot.ts'
import type { Snapshots } from './snapshots.ts'
import { type CookieDraft, type Draft, entryOf, isYielding, know, type Stored, type View } from './view.ts'

/** A loaded session that is to be stored again. */
export class Write {
  readonly view: View
  readonly draft: Draft
  /** Whether somebody else has written since the session was loaded. */
  isContested = false
  /**
   * To be called if the write has ended in time; answers whether the session was written. Of what ends later the caller was told that
   * nobody knows, and so it must not count.
   */
  end: () => boolean = () => true

  constructor(view: View, draft: Draft) {
    this.view = view
    this.draft = draft
  }
}

export interface UpdateRules {
  readonly bank: Bank
  readonly ttl: number | null
  readonly merge: Merge | undefined
  readonly journal: Journal
}

/** Replaces what is stored by what our requests made of it, and loses nothing of what others did meanwhile. */
export class Updates {
  readonly #rules: UpdateRules
  readonly #snapshots: Snapshots

  constructor(rules: UpdateRules, snapshots: Snapshots) {
    this.#rules = rules
    this.#snapshots = snapshots
  }

  /**
   * Swaps our versions for what is stored, each merged with what was there before it, until nobody is faster. Answers what is stored
   * now; null if the session is gone: then none is written. One that may never have been stored is not gone.
   *
   * @param supposed what is stored, if the caller thinks to know
   * @param task what it is done for, and with which it ends
   */
  async write(id: string, writes: readonly Write[], supposed: Stored | undefined, task: Task): Promise<Stored | null> {
    const { bank, journal } = this.#rules
    for (const { view, draft } of writes) {
      if (view.attempt !== undefined) view.doubted = changedKeys(view.base, view.attempt.record, view.doubted)
      view.attempt = draft
    }
    for (let stored = supposed ?? (await this.#seen(id, writes)); ; stored = await this.#seen(id, writes)) {
      if (stored === null && !writes.every(({ view }) => view.isNew)) break
      requireInTime(task, 'set')
      const next = stored === null ? this.#joined(writes[0]!.draft, writes.slice(1)) : this.#joined(stored, writes)
      if (await swapInTurn(bank, id, stored?.record.text ?? null, entryOf(next), task)) {
        this.#snapshots.keep(id, next.record)
        for (const write of writes) this.#wrote(write, next)
        return next
      }
    }
    for (const write of writes) {
      write.view.isNew = undefined
      write.end = () => false
      journal.dropped(id)
    }
    return null
  }

  /** What is stored, for requests that have not loaded it. */
  async #seen(id: string, writes: readonly Write[]): Promise<Stored | null> {
    const stored = await this.living(id)
    if (stored !== null) for (const { view } of writes) view.isNew = undefined
    return stored
  }

  /**
   * Stores a request's new session, whatever is there: as a swap for that, for one that is given up and happens late must not
   * overwrite what others have written since. One operation, if nothing is there, as it should be.
   */
  async create(id: string, draft: Draft, task: Task): Promise<void> {
    const { bank } = this.#rules
    if (bank.swap === undefined) return bank.save(id, entryOf(draft))
    for (let expected: string | null = null; !(await bank.swap(id, expected, entryOf(draft))); ) {
      expected = (await readLiving(bank, id))?.payload ?? null
      requireInTime(task, 'set')
    }
  }

  #wrote(write: Write, stored: Stored): void {
    if (write.isContested) this.#rules.journal.conflict(write.view.id)
    write.end = () => {
      know(write.view, write.draft, stored)
      return true
    }
  }

  /** What becomes of the stored version by ours, one after the other. */
  #joined(stored: Stored, writes: readonly Write[]): Stored {
    let joined = stored
    for (const write of writes) {
      const { view, draft } = write
      write.isContested ||= joined.record.text !== view.expected.text
      const isOurs = joined.record.text === view.base.text
      joined = isOurs ? { record: draft.record, expires: deathOf(view, draft, joined) } : this.#merged(view, joined, draft)
    }
    return joined
  }

  #merged(view: View, theirs: Stored, ours: Draft): Stored {
    const { merge } = this.#rules
    const session = this.#decode(view.id, theirs)
    if (session === undefined) return ours
    if (merge !== undefined) return this.#mergedByCaller(merge, view, session, ours)
    const longer = (theirs.expires ?? Infinity) > (ours.expires ?? Infinity) ? 'theirs' : 'ours'
    return {
      record: mergeByKey(view.base, theirs.record, ours.record, longer, view.doubted),
      expires: longer === 'theirs' ? theirs.expires : ours.expires,
    }
  }

  #mergedByCaller(merge: Merge, view: View, theirs: SessionData, ours: Draft): Stored {
    const base = decodeSession(entryOf({ record: view.base, expires: view.expires })) as SessionData
    const own = decodeSession(entryOf(ours)) as SessionData
    try {
      return draftOf(merge(base, theirs, own), this.#rules.ttl)
    } catch (cause) {
      throw new DatabankError('DATABANK_MERGE_FAILED', `merge: ${(cause as Error)?.message ?? cause}`, { cause })
    }
  }

  /** Replaces the stored record's cookie and leaves its data alone, whoever wrote it. */
  async writeCookie(view: View, draft: CookieDraft, task: Task): Promise<void> {
    const { bank } = this.#rules
    const { cookie, expires: asked } = draft
    const isMerged = view.base !== view.expected
    let stored = isYielding(view, draft) ? await this.#servable(view.id) : { record: view.expected, expires: view.expires }
    while (stored !== null) {
      requireInTime(task, 'touch')
      const record = withCookie(stored.record, cookie)
      const expires = deathOf(view, draft, stored)
      if (await swapInTurn(bank, view.id, stored.record.text, entryOf({ record, expires }), task)) {
        this.#snapshots.keep(view.id, record)
        if (!isMerged && stored.record.text === view.expected.text) view.base = record
        Object.assign(view, { expected: record, expires, asked, cookie, isNew: undefined })
        return
      }
      stored = await this.#servable(view.id)
      if (stored !== null) view.isNew = undefined
    }
  }

  /** Moves the death, unless the session lives longer already; answers when it dies. Silent if it is not there. */
  async prolong(id: string, expires: number | null, task: Task): Promise<number | null> {
    const { bank } = this.#rules
    const there = await readLiving(bank, id)
    if (there === null) return expires
    if (isNotSooner(there.expires, expires)) return there.expires
    requireInTime(task, 'touch')
    await touch(bank, id, expires, task)
    return expires
  }

  async #servable(id: string): Promise<Stored | null> {
    const stored = await this.living(id)
    return stored !== null && this.#decode(id, stored) !== undefined ? stored : null
  }

  async living(id: string): Promise<Stored | null> {
    const entry = await readLiving(this.#rules.bank, id)
    if (entry === null) return null
    return { record: this.#snapshots.of(id, entry.payload), expires: entry.expires }
  }

  /** The record's session, told of and undefined if it is corrupt. */
  #decode(id: string, stored: Stored): SessionData | undefined {
    const session = decodeSession(entryOf(stored), () => stored.record.copy())
    if (session === undefined) this.#rules.journal.corrupt(id)
    return session
  }
}

/** When the session is to die that ours replaces `stored` by, unmerged. */
function deathOf(view: View, ours: CookieDraft, stored: Stored): number | null {
  return isYielding(view, ours) && isNotSooner(stored.expires, ours.expires) ? stored.expires : ours.expires
}

/** A session as it is to be written. @param base what it was made of, if it was loaded */
export function draftOf(session: SessionData, ttl: number | null, base?: Snapshot): Draft {
  const { expires, cookie } = draftOfCookie(session, ttl)
  const { record, isChanged } = encodeSession(session, cookie, base)
  return { record, isChanged, base, expires, cookie }
}

/** What a write that leaves the data alone writes. */
export function draftOfCookie(session: SessionData, ttl: number | null): CookieDraft {
  requireCookie(session)
  const cookie = cookieFields(session.cookie)
  return { expires: expiresOf(cookie, ttl, Date.now()), cookie }
}
