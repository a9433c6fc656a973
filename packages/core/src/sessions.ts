import type { SessionData } from 'express-session'
import { type Entry, isAlive } from './bank.ts'
import { type Deadlines, requireInTime, type Task } from './deadline.ts'
import { touch } from './derive.ts'
import { isNotSooner } from './expiry.ts'
import { readLiving } from './living.ts'
import { decodeSession, isCookieChanged, requireCookie } from './record.ts'
import { asItIs } from './settle.ts'
import { Snapshots } from './snapshots.ts'
import { createStamps } from './stamp.ts'
import { Turns } from './turns.ts'
import { draftOf, draftOfCookie, type UpdateRules, Updates, Write } from './updates.ts'
import {
  type CookieDraft,
  type Draft,
  entryOf,
  isChange,
  isYielding,
  isYieldingTouch,
  know,
  type Stored,
  type View,
  viewOf,
  viewOfNew,
} from './view.ts'

export interface SessionRules extends UpdateRules {
  readonly touchAfter: number
  readonly timeout: number
  readonly deadlines: Deadlines
}

/** Writes of one session that came while another was under way, and go out as one. */
interface Joint extends Task {
  readonly writes: Write[]
  done: Promise<void>
}

/**
 * The rules of a session's life, with promises: when one is served, what becomes of a write when two requests meet, what a
 * touch may do. One request goes through `load`, `adopt`, and `save` or `touch`.
 */
export class Sessions {
  readonly #rules: SessionRules
  readonly #views = createStamps<View>()
  readonly #turns = new Turns<Joint, Stored>()
  readonly #snapshots = new Snapshots()
  readonly #updates: Updates

  constructor(rules: SessionRules) {
    this.#rules = rules
    this.#updates = new Updates(rules, this.#snapshots)
  }

  /**
   * The living entry, or null; `loaded` makes a session of it. Waits for writes of it that are under way, so that a redirect never beats
   * the save.
   */
  load(id: string): Promise<Entry | null> {
    const { bank, deadlines } = this.#rules
    const writing = this.#turns.busy(id)
    const entry = writing === undefined ? bank.read(id) : writing.then(() => bank.read(id))
    return deadlines.limitThen(entry, 'get', (found) => {
      const now = Date.now()
      if (isAlive(found, now)) return found
      return this.#mayBeProlonged(found, now) ? readLiving(bank, id) : null
    })
  }

  /** Whether a dead entry may have lived when its read was sent: not longer ago than a time-out, which may come late. */
  #mayBeProlonged(entry: Entry | null, now: number): boolean {
    return entry !== null && isAlive(entry, now - 2 * this.#rules.timeout)
  }

  /** The session of an entry, which remembers that it was made of this. */
  loaded(id: string, entry: Entry): SessionData | null {
    const record = this.#snapshots.of(id, entry.payload)
    const session = this.decode(id, entry, () => record.copy())
    if (session === null) return null
    this.#views.set(session, viewOf(id, { record, expires: entry.expires }, { ...session.cookie }))
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
   * Writes the session as it is now. A loaded one is merged with what others wrote since, or dropped if it was destroyed:
   * answers whether it was written.
   */
  save(id: string, session: SessionData): Promise<boolean> {
    requireCookie(session)
    const view = this.#viewOf(id, session)
    // Taken at once: the caller may go on changing its session while the write waits for its turn.
    const draft = draftOf(session, this.#rules.ttl, view?.base)
    return view === undefined ? this.#create(id, session, draft) : this.#update(id, new Write(view, draft))
  }

  /** A session that was not loaded: nothing to compare with. If it is a request's own, its next save is no first one. */
  #create(id: string, session: SessionData, draft: Draft): Promise<boolean> {
    const view = 'req' in session ? viewOfNew(id, draft) : undefined
    if (view !== undefined) this.#views.set(session, view)
    const create = async (task: Task): Promise<void> => {
      this.#turns.leave(id, undefined)
      if (view === undefined) await this.#rules.bank.save(id, entryOf(draft))
      else await this.#updates.create(id, draft, task)
      this.#snapshots.keep(id, draft.record)
    }
    return this.#inTurn(id, 'set', create, () => {
      if (view !== undefined) know(view, draft, draft)
      return true
    })
  }

  /** Joins others that wait for the same session, if they do; else takes a turn. */
  #update(id: string, write: Write): Promise<boolean> {
    const { deadlines, merge } = this.#rules
    const end = (): boolean => write.end()
    const others = this.#turns.joint(id)
    if (others?.writes.every(({ view }) => view !== write.view)) {
      others.writes.push(write)
      return deadlines.limitThen(others.done, 'set', end)
    }
    const joint: Joint = { writes: [write], done: notBegun, isGivenUp: false }
    const work = (): Promise<void> => {
      this.#turns.begin(id, joint)
      requireInTime(joint, 'set')
      return this.#writeAll(id, joint.writes, joint)
    }
    // What the caller's own merge makes of one may fail, and must not fail the others.
    const takesMore = merge === undefined ? joint : undefined
    const bounded = (start: Promise<void> | undefined): Promise<boolean> => {
      joint.done = start === undefined ? work() : start.then(work)
      return deadlines.limitThen(joint.done, 'set', end, joint)
    }
    return this.#turns.take(id, bounded, takesMore)
  }

  #writeAll(id: string, all: readonly Write[], task: Task): Promise<void> {
    const writes = all.filter(({ view, draft }) => view.attempt !== undefined || isChange(view, draft))
    if (writes.length === 0) return this.#moveAll(all, task)
    const supposed = this.#supposed(id, writes)
    // Until it has ended well, nobody knows.
    this.#turns.leave(id, undefined)
    return this.#updates.write(id, writes, supposed, task).then((stored) => {
      this.#turns.leave(id, stored ?? undefined)
      if (writes.length < all.length)
        return this.#moveAll(
          all.filter((write) => !writes.includes(write)),
          task,
        )
    })
  }

  async #moveAll(writes: readonly Write[], task: Task): Promise<void> {
    for (const { view, draft } of writes) await this.#move(view, draft, task, isYielding)
  }

  /**
   * What is stored, as far as we can tell without asking: what the write before left, or what the request loaded. After a merge
   * the later death is kept, as it is for who asks for none, and others may have moved what we know of by touches: then only the
   * bank can tell.
   */
  #supposed(id: string, writes: readonly Write[]): Stored | undefined {
    if (writes.some(({ view, draft }) => isYielding(view, draft))) return undefined
    const left = this.#turns.left(id)
    if (left !== undefined && writes.every(({ draft }) => isNotSooner(draft.expires, left.expires))) return left
    const { base, expected, expires, isNew } = writes[0]!.view
    return left === undefined && base === expected && !isNew ? { record: expected, expires } : undefined
  }

  /** Moves the session's death to what its cookie says, and keeps a changed cookie. Silent if the session is not there. */
  touch(id: string, session: SessionData): Promise<void> {
    const { bank, ttl } = this.#rules
    const draft = draftOfCookie(session, ttl)
    const view = this.#viewOf(id, session)
    // Where a touch is a read and a save, no other write may come between them: it needs its turn.
    const isAtomic = bank.touch !== undefined || bank.swap !== undefined
    if (view === undefined || !isAtomic || isCookieChanged(view.cookie, draft.cookie))
      return this.#touchInTurn(id, session, draft)
    const writing = this.#turns.busy(id)
    return writing === undefined ? this.#moveExpiry(view, draft) : this.#touchAfter(writing, id, session, view, draft)
  }

  /** A write under way may end later, and bring its own death: so it comes first. Nobody has to wait for the touch. */
  #touchAfter(writing: Promise<void>, id: string, session: SessionData, view: View, draft: CookieDraft): Promise<void> {
    const move = (): Promise<void> =>
      isCookieChanged(view.cookie, draft.cookie) ? this.#touchInTurn(id, session, draft) : this.#moveExpiry(view, draft)
    return this.#rules.deadlines.limit(writing.then(move), 'touch')
  }

  #touchInTurn(id: string, session: SessionData, draft: CookieDraft): Promise<void> {
    const move = async (task: Task): Promise<void> => {
      const known = this.#viewOf(id, session) ?? (await this.#stored(id))
      if (known !== undefined) await this.#move(known, draft, task)
    }
    return this.#inTurn(id, 'touch', move, () => undefined)
  }

  /** Removes the session; answers whether there was one. */
  destroy(id: string): Promise<boolean> {
    const remove = (): Promise<boolean> => {
      this.#turns.leave(id, undefined)
      return this.#rules.bank.delete(id)
    }
    return this.#inTurn(id, 'destroy', remove, asItIs)
  }

  /** Does the work when its turn comes, and `next` with what it gives, if that is in time. */
  #inTurn<T, Next>(id: string, what: string, work: (task: Task) => Promise<T>, next: (value: T) => Next): Promise<Next> {
    const task: Task = { isGivenUp: false }
    const begin = (): Promise<T> => {
      requireInTime(task, what)
      return work(task)
    }
    return this.#turns.take(id, (start) => {
      const done = start === undefined ? begin() : start.then(begin)
      return this.#rules.deadlines.limitThen(done, what, next, task)
    })
  }

  #viewOf(id: string, session: object): View | undefined {
    const view = this.#views.get(session)
    return view?.id === id ? view : undefined
  }

  /** A write that changes no data. @param yields whether a longer life is to be left alone */
  async #move(view: View, draft: CookieDraft, task: Task, yields = isYieldingTouch): Promise<void> {
    requireInTime(task, 'touch')
    this.#turns.leave(view.id, undefined)
    if (!isCookieChanged(view.cookie, draft.cookie)) return this.#moveExpiry(view, draft, task, yields)
    return this.#updates.writeCookie(view, draft, task)
  }

  #moveExpiry(view: View, draft: CookieDraft, turn?: Task, yields = isYieldingTouch): Promise<void> {
    const { bank, deadlines, touchAfter } = this.#rules
    const { expires } = draft
    if (expires !== null && view.expires !== null) {
      const gain = expires - view.expires
      if (gain >= 0 && gain < touchAfter) return Promise.resolve()
    }
    if (yields(view, draft)) return this.#prolong(view, draft, turn)
    // What one operation does needs nobody to end it.
    const task = turn ?? (bank.touch === undefined ? { isGivenUp: false } : undefined)
    const know = (): void => {
      view.expires = expires
      view.asked = expires
    }
    return deadlines.limitThen(touch(bank, view.id, expires, task), 'touch', know, task)
  }

  /** The same for who leaves a longer life alone. */
  #prolong(view: View, { expires }: CookieDraft, task: Task = { isGivenUp: false }): Promise<void> {
    const know = (death: number | null): void => {
      view.expires = death
      view.asked = expires
    }
    return this.#rules.deadlines.limitThen(this.#updates.prolong(view.id, expires, task), 'touch', know, task)
  }

  /** A view of what is stored, for a session object that was never loaded. */
  async #stored(id: string): Promise<View | undefined> {
    const stored = await this.#updates.living(id)
    if (stored === null) return undefined
    const session = this.decode(id, entryOf(stored), () => stored.record.copy())
    return session === null ? undefined : viewOf(id, stored, { ...session.cookie })
  }
}

const notBegun: Promise<void> = Promise.resolve()
