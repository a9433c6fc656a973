import type { SessionData } from 'express-session'
import { type Bank, type Entry, versionOf } from './bank.ts'
import {
  afterRefusal,
  afterSeen,
  type Baseline,
  beforeSave,
  type Draft,
  expiryAfter,
  type StoredSession,
  storedAs,
  storedSession,
  type Tracked,
} from './baseline.ts'
import {
  encodeSession,
  type Form,
  formOf,
  METADATA,
  type Parse,
  type ParsedSession,
  parseSession,
  type SessionText,
  sessionOf,
} from './codec.ts'
import { isoOf, mergeCookies, type SessionCookie } from './cookie.ts'
import { DatabankError } from './errors.ts'
import { pauseBeforeRetry, readLive, swap } from './fallbacks.ts'
import type { StoreLog } from './log.ts'
import { type Merge, mergeByKey } from './merge.ts'
import { type Cancellation, throwIfCancelled } from './operation.ts'

/** A loaded session that is to be written again. */
export interface Write {
  readonly tracked: Tracked
  readonly draft: Draft
  /** Whether it writes the cookie only: then a missing session is no event. */
  readonly isTouch: boolean
  /** The stored session; null if the session has ended, undefined until it is known. */
  result?: StoredSession | null
  /** Why it was not stored, although others of its group were. */
  failure?: unknown
  /** The keys that another request has also changed, if another has written since the session was loaded. */
  conflictingKeys?: string[]
}

/** The function of `update`. */
type Change = (session: SessionData) => SessionData | undefined | void | Promise<SessionData | undefined | void>

export interface WriterRules {
  readonly bank: Bank
  /** Parses the stored session, or returns null; reports a corrupt record. */
  readonly parse: Parse
  readonly log: StoreLog
  readonly merge: Merge | undefined
  /** The session as it is to be written. `owner`: the stored one, which stays without the option `owner`. */
  readonly draftOf: (session: SessionData, created: number | undefined, owner: string | null) => Draft
  /** Returns the owner of the session; undefined without the option `owner`. */
  readonly ownerOf: ((session: SessionData) => string | null) | undefined
  /** Whether the creation time is stored with each session. */
  readonly storesCreated: boolean
  /** The expiry, at most the absolute time-out after the creation. */
  readonly bounded: (expires: number | null, created: number | undefined) => number | null
}

const NO_KEYS: ReadonlySet<string> = new Set()
/** The text of a corrupt record, which no session has. */
const NO_SESSION: SessionText = { text: '', cookie: {}, data: undefined }

/** Writes sessions of requests, and keeps the changes of other requests. */
export class Writer {
  readonly #rules: WriterRules

  constructor(rules: WriterRules) {
    this.#rules = rules
  }

  /**
   * Merges the writes, one after the other, with the stored session, and swaps until it succeeds. Returns the session that is stored then.
   * Returns null, and writes nothing, if the session has ended. A new session that may never have been stored has not ended.
   *
   * @param known the stored session, if the caller knows it
   */
  async write(
    id: string,
    writes: readonly Write[],
    known: StoredSession | undefined,
    cancellation: Cancellation,
  ): Promise<StoredSession | null> {
    const before = writes.map(({ tracked }) => tracked.baseline)
    for (const { tracked, draft, isTouch } of writes) if (!isTouch) tracked.baseline = beforeSave(tracked.baseline, draft)
    let stored = known ?? (await this.#readFor(id, writes))
    for (let attempt = 0; ; attempt++) {
      if (stored === null && !writes.every(({ tracked, isTouch }) => tracked.baseline.isNew && !isTouch)) {
        return this.#drop(id, writes)
      }
      throwIfCancelled(cancellation, 'set')
      const next: StoredSession = this.#apply(stored, writes)
      let version: string | null
      try {
        version = await swap(this.#rules.bank, id, stored?.version ?? null, entryOf(next), cancellation)
      } catch (error) {
        if (isRefusal(error)) takeBack(writes, before)
        throw error
      }
      if (version !== null) return this.#stored(id, writes, { ...next, version })
      await pauseBeforeRetry(this.#rules.bank, attempt, cancellation, 'set')
      stored = await this.#readFor(id, writes)
    }
  }

  /** Stores a session unconditionally. */
  async replace(id: string, session: Draft, cancellation: Cancellation): Promise<StoredSession> {
    const draft = this.#rules.storesCreated ? await this.#withCreated(id, session) : session
    throwIfCancelled(cancellation, 'set')
    const version = await this.#rules.bank.save(id, entryOf(draft))
    return storedAs(draft, version ?? draft.text.text)
  }

  /** Keeps the stored creation time: saving a session that was not loaded does not create a new one. */
  async #withCreated(id: string, draft: Draft): Promise<Draft> {
    const stored = await readLive(this.#rules.bank, id)
    const created = stored === null ? undefined : this.#rules.parse(id, stored)?.created
    if (created === undefined) return draft
    const text = encodeSession(formOf(draft.text), draft.cookie, created)
    return { ...draft, text, created, expires: this.#rules.bounded(draft.expires, created) }
  }

  /**
   * Stores a request's new session, whatever is stored. It swaps, because a late write after a time-out must not overwrite later writes of
   * others.
   */
  async create(id: string, draft: Draft, cancellation: Cancellation): Promise<StoredSession> {
    const { bank } = this.#rules
    if (bank.swap === undefined) return this.replace(id, draft, cancellation)
    let expected: string | null = null
    for (let attempt = 0; ; attempt++) {
      const version: string | null = await bank.swap(id, expected, entryOf(draft), Date.now())
      if (version !== null) return storedAs(draft, version)
      const stored = await readLive(bank, id)
      expected = stored === null ? null : versionOf(stored)
      await pauseBeforeRetry(bank, attempt, cancellation, 'set')
    }
  }

  /**
   * Atomic read-modify-write. Returns the stored session, or null if there is none.
   *
   * @param change changes the given session, or returns another one; it may run again
   */
  async update(id: string, change: Change, cancellation: Cancellation): Promise<SessionData | null> {
    const { bank } = this.#rules
    for (let attempt = 0; ; attempt++) {
      const stored = await readLive(bank, id)
      const parsed = stored === null ? null : this.#rules.parse(id, stored)
      if (stored === null || parsed === null) return null
      const expires = this.#rules.bounded(stored.expires, parsed.created)
      if (expires !== null && expires <= Date.now()) return null
      const session = sessionOf(parsed, expires)
      const cookieBefore = JSON.stringify(session.cookie)
      const changed = (await callChange(change, session)) ?? session
      throwIfCancelled(cancellation, 'update')
      const draft = this.#rules.draftOf(changed, parsed.created, stored.owner ?? null)
      const isSameCookie = JSON.stringify(changed.cookie) === cookieBefore
      const next = isSameCookie ? { ...draft, expires } : draft
      if ((await swap(bank, id, versionOf(stored), entryOf(next), cancellation)) !== null) return changed
      await pauseBeforeRetry(bank, attempt, cancellation, 'update')
    }
  }

  /** The stored live session, or null. The write replaces a corrupt record. */
  async #readFor(id: string, writes: readonly Write[]): Promise<StoredSession | null> {
    const stored = await readLive(this.#rules.bank, id)
    if (stored === null) return null
    for (const { tracked } of writes) tracked.baseline = afterSeen(tracked.baseline)
    const parsed = this.#rules.parse(id, stored)
    if (parsed !== null) return storedSession(parsed, stored)
    if (writes.every(({ isTouch }) => isTouch)) return null
    const { expires, owner = null } = stored
    return { text: NO_SESSION, version: versionOf(stored), expires, owner, created: undefined }
  }

  /** Applies the writes to the stored session, one after the other. */
  #apply(stored: StoredSession | null, writes: readonly Write[]): StoredSession {
    const [first, ...others] = writes as [Write, ...Write[]]
    let next = stored === null ? storedAs(first.draft, '') : this.#applyOne(stored, first)
    for (const write of others) next = { ...this.#applyOne(next, write), version: '' }
    return next
  }

  #applyOne(stored: StoredSession, write: Write): StoredSession {
    const draft = this.#draftAfter(stored, write)
    // Without the option `owner`, the stored owner stays: other instances may have the option.
    const owner = this.#rules.ownerOf === undefined ? stored.owner : draft.owner
    const { text, expires, created } = draft
    return { text, version: stored.version, expires, owner, created }
  }

  #draftAfter(stored: StoredSession, write: Write): Draft {
    const { draft } = write
    const { baseline } = write.tracked
    if (stored.text.text === baseline.text.text) {
      return { ...draft, expires: this.#rules.bounded(expiryAfter(baseline, draft, stored.expires), draft.created) }
    }
    const parsed = parseSession(stored.text.text)
    if (parsed === null) return draft
    if (stored.version !== baseline.version) write.conflictingKeys ??= []
    return this.#merge(baseline, parsed, stored, write)
  }

  #merge(baseline: Baseline, theirs: ParsedSession, stored: StoredSession, write: Write): Draft {
    const { draft } = write
    const { merge } = this.#rules
    if (merge !== undefined && !write.isTouch) return this.#mergeByCaller(merge, baseline, theirs, stored, draft)
    const unconfirmed = write.isTouch ? NO_KEYS : (baseline.unconfirmed?.keys ?? NO_KEYS)
    const { form, conflictingKeys } = mergeByKey(formOf(baseline.text), theirs.form, formOf(draft.text), unconfirmed)
    if (write.conflictingKeys !== undefined) write.conflictingKeys = conflictingKeys.filter((key) => key !== METADATA)
    const created = stored.created ?? draft.created
    const expires = this.#rules.bounded(expiryAfter(baseline, draft, stored.expires), created)
    return this.#draftOfMerged(form, mergeCookies(baseline.cookie, theirs.cookie, draft.cookie), expires, created)
  }

  #draftOfMerged(
    form: Form,
    { fields, expires: own }: SessionCookie,
    expires: number | null,
    created: number | undefined,
  ): Draft {
    // Other stores read the expiry from the cookie.
    const isStored = own !== null && expires !== null
    const cookie = isStored ? { fields: { ...fields, expires: isoOf(expires) }, expires } : { fields, expires: own }
    const text = encodeSession(form, cookie, created)
    const { ownerOf } = this.#rules
    const owner = ownerOf === undefined ? null : ownerOf(sessionOf({ form, cookie }, expires))
    return { text, cookie, expires, owner, created }
  }

  #mergeByCaller(merge: Merge, baseline: Baseline, theirs: ParsedSession, stored: StoredSession, draft: Draft): Draft {
    const own = (text: SessionText, cookie: SessionCookie, expires: number | null): SessionData =>
      sessionOf({ form: formOf(text), cookie }, expires)
    try {
      const merged = merge(
        own(baseline.text, baseline.cookie, baseline.cookie.expires),
        sessionOf(theirs, stored.expires),
        own(draft.text, draft.cookie, draft.expires),
      )
      const next = this.#rules.draftOf(merged, stored.created ?? draft.created, stored.owner)
      return { ...next, expires: this.#rules.bounded(expiryAfter(baseline, next, stored.expires), next.created) }
    } catch (cause) {
      throw new DatabankError('DATABANK_MERGE_FAILED', `merge: ${(cause as Error)?.message ?? cause}`, { cause })
    }
  }

  #stored(id: string, writes: readonly Write[], stored: StoredSession): StoredSession {
    for (const write of writes) {
      write.result = stored
      if (write.conflictingKeys !== undefined) this.#rules.log.conflict(id, write.conflictingKeys)
    }
    return stored
  }

  #drop(id: string, writes: readonly Write[]): null {
    for (const write of writes) {
      write.result = null
      if (write.isTouch) continue
      write.tracked.baseline = afterSeen(write.tracked.baseline)
      this.#rules.log.dropped(id)
    }
    return null
  }
}

/** Whether the bank has written nothing: the contract says so for these codes. */
export function isRefusal(error: unknown): boolean {
  return String((error as { code?: unknown } | null)?.code).startsWith('DATABANK_INVALID_')
}

/** The writes never began. */
function takeBack(writes: readonly Write[], before: readonly Baseline[]): void {
  for (const [index, { tracked }] of writes.entries()) tracked.baseline = afterRefusal(tracked.baseline, before[index]!)
}

/** An error of the caller's own function is no failure of the database. */
async function callChange(change: Change, session: SessionData): Promise<SessionData | undefined | void> {
  try {
    return await change(session)
  } catch (cause) {
    throw new DatabankError('DATABANK_MERGE_FAILED', `update: ${(cause as Error)?.message ?? cause}`, { cause })
  }
}

/** The entry for the bank. */
export function entryOf({ text, expires, owner }: Pick<Draft, 'text' | 'expires' | 'owner'>): Entry {
  return { payload: text.text, expires, owner }
}
