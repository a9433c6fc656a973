import type { SessionData } from 'express-session'
import { type Bank, type Entry, isAlive } from './bank.ts'
import type { Deadlines } from './deadline.ts'
import { swapInTurn, touch } from './derive.ts'
import { DatabankError } from './errors.ts'
import { expiresOf } from './expiry.ts'
import type { Journal } from './journal.ts'
import { changedKeys, isSameData, type Merge, mergeByKey, withCookie } from './merge.ts'
import { ParsedForms } from './parse.ts'
import { cookieFields, decodeSession, encodeSession, isCookieChanged, requireCookie } from './record.ts'
import { createStamps } from './stamp.ts'
import { Turns } from './turns.ts'

/** What a request's session object remembers of where it came from. */
interface View {
  readonly id: string
  /** What this request knows: the record as it loaded or last wrote it. Its changes are measured against this. */
  base: string
  /** What is stored, as far as we know: after a merge it holds more than `base`. The next swap expects this. */
  expected: string
  /** When the stored entry dies, as far as we know. */
  expires: number | null
  /** The cookie's fields as they are stored. */
  cookie: Record<string, unknown>
  /** A save that was not answered well in time, or not yet: it may be stored, now or later. */
  attempt?: Draft | undefined
  /** The keys that earlier ones of this kind changed: stored or not, what we hold of them is to be written. */
  doubted?: ReadonlySet<string> | undefined
}

/** A session to be written, as it was when the caller asked for it. */
interface Draft {
  readonly payload: string
  readonly expires: number | null
  readonly cookie: Record<string, unknown>
}

export interface SessionRules {
  readonly bank: Bank
  readonly ttl: number | null
  readonly touchAfter: number
  readonly timeout: number
  readonly merge: Merge | undefined
  readonly journal: Journal
  readonly deadlines: Deadlines
}

/**
 * The rules of a session's life, with promises: when one is served, what becomes of a write when two requests meet, what a
 * touch may do. One request goes through `load`, `adopt`, and `save` or `touch`.
 */
export class Sessions {
  readonly #rules: SessionRules
  readonly #views = createStamps<View>()
  readonly #turns = new Turns()
  readonly #forms = new ParsedForms()

  constructor(rules: SessionRules) {
    this.#rules = rules
  }

  /** `give` of the living session, or of null. Waits for writes of it that are under way, so that a redirect never beats the save. */
  load<T>(id: string, give: (session: SessionData | null) => T): Promise<T> {
    const { bank, deadlines } = this.#rules
    const writing = this.#turns.busy(id)
    const entry = writing === undefined ? bank.read(id) : writing.then(() => bank.read(id))
    return deadlines.limitThen(entry, 'get', (found) => give(this.#loaded(id, found)))
  }

  #loaded(id: string, entry: Entry | null): SessionData | null {
    if (!isAlive(entry, Date.now())) return null
    const session = this.decode(id, entry, (text) => this.#forms.parse(id, text))
    if (session === null) return null
    this.#views.set(session, viewOf(id, entry.payload, entry.expires, { ...session.cookie }))
    return session
  }

  /** The entry's session; null, and told of, if the record is corrupt. */
  decode(id: string, entry: Entry, parse?: (text: string) => unknown): SessionData | null {
    const session = decodeSession(entry, parse)
    if (session === undefined) this.#rules.journal.corrupt(id)
    return session ?? null
  }

  /** The live session that express-session made of loaded data goes on with the data's view. */
  adopt(data: object, session: object): void {
    const view = this.#views.get(data)
    if (view !== undefined) this.#views.set(session, view)
  }

  /**
   * Writes the session as it is now. A loaded one is merged with what others wrote since, or dropped if it was destroyed;
   * answers whether it was written.
   */
  save(id: string, session: SessionData): Promise<boolean> {
    const draft = this.#draft(session)
    const write = async (): Promise<() => boolean> => {
      const view = this.#viewOf(id, session)
      if (view === undefined) return this.#create(id, session, draft)
      if (view.attempt !== undefined || !isSameData(view.base, draft.payload)) return this.#update(view, draft)
      await this.#move(view, draft)
      return written
    }
    return this.#inTurn(id, 'set', write, (end) => end())
  }

  /** Moves the session's death to what its cookie says, and keeps a changed cookie. Silent if the session is not there. */
  touch(id: string, session: SessionData): Promise<void> {
    const draft = this.#draftOfCookie(session)
    const view = this.#viewOf(id, session)
    const { bank } = this.#rules
    // Where a touch is a read and a save, no other write may come between them: it needs its turn.
    const isAtomic = bank.touch !== undefined || bank.swap !== undefined
    if (isAtomic && view !== undefined && this.#turns.busy(id) === undefined && !isCookieChanged(view.cookie, draft.cookie)) {
      return this.#rules.deadlines.limit(this.#moveExpiry(view, draft.expires), 'touch')
    }
    return this.#inTurn(id, 'touch', async () => {
      const known = this.#viewOf(id, session) ?? (await this.#stored(id))
      if (known !== undefined) await this.#move(known, draft)
    })
  }

  /** Removes the session; answers whether there was one. */
  destroy(id: string): Promise<boolean> {
    return this.#inTurn(id, 'destroy', async () => this.#rules.bank.delete(id))
  }

  /** Ends when all writes that are under way have. */
  idle(): Promise<void> {
    return this.#turns.idle()
  }

  /** Does the work when its turn comes, and `next` with what it gives, if that is in time. */
  #inTurn<T, Next = T>(id: string, what: string, work: () => Promise<T>, next?: (value: T) => Next): Promise<Next> {
    const { deadlines } = this.#rules
    return this.#turns.take(id, (start) => {
      const done = start === undefined ? work() : start.then(work)
      return next === undefined ? deadlines.limit(done as Promise<never>, what) : deadlines.limitThen(done, what, next)
    })
  }

  #viewOf(id: string, session: object): View | undefined {
    const view = this.#views.get(session)
    return view?.id === id ? view : undefined
  }

  /** Taken at once: the caller may go on changing its session while the write waits for its turn. */
  #draft(session: SessionData): Draft {
    const payload = encodeSession(session)
    return { payload, ...this.#draftOfCookie(session) }
  }

  #draftOfCookie(session: SessionData): Omit<Draft, 'payload'> {
    requireCookie(session)
    const cookie = cookieFields(session.cookie)
    return { expires: expiresOf(cookie, this.#rules.ttl, Date.now()), cookie }
  }

  /**
   * A session that was not loaded: nothing to compare with. If it is a request's own, its next save is no first one. What this
   * gives is called if it ends in time: of what ends later the caller was told that nobody knows, and so it must not count.
   */
  async #create(id: string, session: SessionData, draft: Draft): Promise<() => boolean> {
    await this.#rules.bank.save(id, draft)
    return () => {
      if ('req' in session) this.#views.set(session, viewOf(id, draft.payload, draft.expires, draft.cookie))
      return true
    }
  }

  /** Swaps our version for what is stored, merged with it if it is no longer what we know, until nobody is faster. Gives as above. */
  async #update(view: View, draft: Draft): Promise<() => boolean> {
    const { bank, journal, timeout } = this.#rules
    const giveUpAt = Date.now() + timeout
    if (view.attempt !== undefined) view.doubted = changedKeys(view.base, view.attempt.payload, view.doubted)
    view.attempt = draft
    let stored: Entry | null = { payload: view.expected, expires: view.expires }
    // After a merge we keep the later death, and others may have moved it since by touches.
    if (view.base !== view.expected) stored = await this.#living(view.id)
    let isContested = stored !== null && stored.payload !== view.expected
    while (stored !== null) {
      const next = stored.payload === view.base ? draft : this.#merged(view, stored, draft)
      if (await swapInTurn(bank, view.id, stored.payload, next)) {
        if (isContested) journal.conflict(view.id)
        return () => know(view, draft, next)
      }
      isContested = true
      stored = await this.#living(view.id)
      if (stored !== null && Date.now() > giveUpAt) throw tooSlow('set')
    }
    journal.dropped(view.id)
    return dropped
  }

  async #living(id: string): Promise<Entry | null> {
    const entry = await this.#rules.bank.read(id)
    return isAlive(entry, Date.now()) ? entry : null
  }

  #merged(view: View, theirs: Entry, ours: Draft): Entry {
    const { merge } = this.#rules
    const stored = this.decode(view.id, theirs)
    if (stored === null) return ours
    if (merge !== undefined) return this.#mergedByCaller(merge, view, stored, ours)
    const longer = (theirs.expires ?? Infinity) > (ours.expires ?? Infinity) ? 'theirs' : 'ours'
    return {
      payload: mergeByKey(view.base, theirs.payload, ours.payload, longer, view.doubted),
      expires: longer === 'theirs' ? theirs.expires : ours.expires,
    }
  }

  #mergedByCaller(merge: Merge, view: View, theirs: SessionData, ours: Draft): Entry {
    const base = decodeSession({ payload: view.base, expires: view.expires }) as SessionData
    const own = decodeSession(ours) as SessionData
    try {
      return this.#draft(merge(base, theirs, own))
    } catch (cause) {
      throw new DatabankError('DATABANK_MERGE_FAILED', `merge: ${(cause as Error)?.message ?? cause}`, { cause })
    }
  }

  /** A write that changes no data. */
  async #move(view: View, draft: Omit<Draft, 'payload'>): Promise<void> {
    if (isCookieChanged(view.cookie, draft.cookie)) await this.#updateCookie(view, draft)
    else await this.#moveExpiry(view, draft.expires)
  }

  async #moveExpiry(view: View, expires: number | null): Promise<void> {
    if (expires !== null && view.expires !== null) {
      const gain = expires - view.expires
      if (gain >= 0 && gain < this.#rules.touchAfter) return
    }
    await touch(this.#rules.bank, view.id, expires)
    view.expires = expires
  }

  /** Replaces the stored record's cookie and leaves its data alone, whoever wrote it. */
  async #updateCookie(view: View, { cookie, expires }: Omit<Draft, 'payload'>): Promise<void> {
    const { bank, timeout } = this.#rules
    const giveUpAt = Date.now() + timeout
    const isMerged = view.base !== view.expected
    for (let stored = view.expected; ; ) {
      const payload = withCookie(stored, cookie)
      if (await swapInTurn(bank, view.id, stored, { payload, expires })) {
        if (!isMerged && stored === view.expected) view.base = payload
        Object.assign(view, { expected: payload, expires, cookie })
        return
      }
      const entry = await bank.read(view.id)
      if (!isAlive(entry, Date.now()) || decodeSession(entry) === undefined) return
      if (Date.now() > giveUpAt) throw tooSlow('touch')
      stored = entry.payload
    }
  }

  /** A view of what is stored, for a session object that was never loaded. */
  async #stored(id: string): Promise<View | undefined> {
    const entry = await this.#rules.bank.read(id)
    if (!isAlive(entry, Date.now())) return undefined
    const session = this.decode(id, entry)
    return session === null ? undefined : viewOf(id, entry.payload, entry.expires, { ...session.cookie })
  }
}

function tooSlow(what: string): DatabankError {
  return new DatabankError('DATABANK_TIMEOUT', `${what}: others were faster again and again`)
}

const written = (): boolean => true
const dropped = (): boolean => false

/** Our version was written, merged as `stored`. */
function know(view: View, ours: Draft, stored: Entry): boolean {
  view.base = ours.payload
  view.expected = stored.payload
  view.expires = stored.expires
  view.cookie = ours.cookie
  view.attempt = undefined
  view.doubted = undefined
  return true
}

function viewOf(id: string, payload: string, expires: number | null, cookie: object): View {
  return { id, base: payload, expected: payload, expires, cookie: cookie as Record<string, unknown> }
}
