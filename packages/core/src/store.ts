import session, { type SessionData } from 'express-session'
import { type Bank, type Entry, isAlive } from './bank.ts'
import { Deadlines, requireInTime, type Task } from './deadline.ts'
import { clear, count, Pace, purge, scan } from './derive.ts'
import { coded, DatabankError } from './errors.ts'
import { Janitor } from './janitor.ts'
import { type Emit, Journal, type Logger } from './journal.ts'
import { Sessions } from './sessions.ts'
import { asItIs, type Callback, optional, settle } from './settle.ts'
import { checkStoreOptions, type StoreOptions, withDefaults } from './store-options.ts'

/** Work on all sessions may take this many times as long as work on one. */
const longWork = 12

/**
 * A session store for express-session on any bank: its callback API over the rules in `Sessions`.
 *
 * Every operation calls back exactly once, within `timeout`, also when the bank throws or hangs; errors carry a `code`.
 * Operates as EventEmitter: `conflict` (parallel changes were merged), `dropped` (a late write of a destroyed session),
 * `corrupt` (a record that is no session) and `timeout`, each with `{ sid }`. It never emits `error`.
 *
 * @example
 * app.use(session({ store: new DatabankStore({ bank: new MemoryBank() }), secret, resave: false, saveUninitialized: false }))
 */
export class DatabankStore extends session.Store {
  readonly #bank: Bank
  readonly #journal: Journal
  readonly #deadlines: Deadlines
  readonly #longDeadlines: Deadlines
  readonly #sessions: Sessions
  readonly #janitor: Janitor | undefined
  #closing: Promise<void> | undefined

  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: StoreOptions) {
    super()
    checkStoreOptions(options)
    const { bank, log, merge, ttl, touchAfter, timeout, cleanupInterval } = withDefaults(options)
    const journal = this.createJournal(log, (event, detail) => process.nextTick(() => this.emit(event, detail)))
    const deadlines = new Deadlines(timeout)
    this.#bank = bank
    this.#journal = journal
    this.#deadlines = deadlines
    this.#longDeadlines = new Deadlines(timeout * longWork)
    this.#sessions = new Sessions({ bank, ttl, touchAfter, timeout, merge, journal, deadlines })
    const canClean = bank.purge !== undefined || bank.scan !== undefined
    if (cleanupInterval !== null && canClean) this.#janitor = new Janitor(cleanupInterval, () => this.#cleanup())
  }

  /** The living session under this id, or null. */
  override get(sid: string, callback?: Callback<SessionData | null>): void {
    const give = (entry: Entry | null): SessionData | null => {
      const found = entry === null ? null : this.#sessions.loaded(sid, entry)
      this.#journal.got(sid, found)
      return found === null ? null : this.present(sid, found)
    }
    this.#onSession('get', sid, callback, () => this.#sessions.load(sid), give)
  }

  /** Called by express-session for what `get` gave: the live session remembers which record it was made of. */
  override createSession(...[request, data]: Parameters<session.Store['createSession']>): session.Session & SessionData {
    const live = this.inflate(request, data)
    this.#sessions.adopt(data, live)
    return live
  }

  /** Stores the session. What parallel requests changed is kept; a session that was destroyed meanwhile is not written again. */
  override set(sid: string, session: SessionData, callback?: Callback): void {
    const tell = (isWritten: boolean): void => {
      if (isWritten) this.#journal.saved(sid, session)
    }
    this.#onSession('set', sid, callback, () => this.#sessions.save(sid, session), tell)
  }

  /** Moves the session's death to what its cookie says; leaves its data alone. */
  override touch(sid: string, session: SessionData, callback?: Callback): void {
    this.#onSession('touch', sid, callback, () => this.#sessions.touch(sid, session), asItIs)
  }

  /** Ends the session. One that is not there is fine. */
  override destroy(sid: string, callback?: Callback): void {
    const tell = (existed: boolean): void => this.#journal.destroyed(sid, existed)
    this.#onSession('destroy', sid, callback, () => this.#sessions.destroy(sid), tell)
  }

  /** All living sessions, as an array. Prefer `entries()` where there may be many. */
  override all(callback?: Callback<SessionData[]>): void {
    this.#onAll('all', callback, async () => {
      const sessions: SessionData[] = []
      for await (const [sid, session] of this.entries()) sessions.push(this.present(sid, session))
      this.#journal.listed(sessions.length)
      return sessions
    })
  }

  /** How many sessions live. */
  override length(callback?: Callback<number>): void {
    this.#onAll('length', callback, async () => {
      const living = await this.#longDeadlines.limit(count(this.#bank, Date.now()), 'length')
      this.#journal.counted(living)
      return living
    })
  }

  /** Ends all sessions. */
  override clear(callback?: Callback): void {
    this.#onAll('clear', callback, async () => {
      const task: Task = { isGivenUp: false }
      const remove = (id: string): Promise<unknown> => {
        requireInTime(task, 'clear')
        return this.#sessions.destroy(id)
      }
      await this.#longDeadlines.limitThen(clear(this.#bank, remove), 'clear', () => this.#journal.cleared(), task)
    })
  }

  /** Frees expired sessions now. The store does so by itself every `cleanupInterval`. */
  cleanup(callback?: Callback): void {
    settle(this.#cleanup(), callback, asItIs)
  }

  /**
   * All living sessions, streamed: `for await (const [sid, session] of store.entries())`. Others get their turn meanwhile.
   *
   * @throws DATABANK_NOT_SUPPORTED if the bank cannot list its sessions
   */
  async *entries(): AsyncGenerator<[sid: string, session: SessionData], void, undefined> {
    this.#requireOpen()
    const iterator = scan(this.#bank)[Symbol.asyncIterator]()
    const pace = new Pace()
    try {
      for (;;) {
        const step = await this.#deadlines.limit(iterator.next(), 'scan')
        if (step.done) return
        const [sid, entry] = step.value
        const session = isAlive(entry, Date.now()) ? this.#sessions.decode(sid, entry) : null
        if (session !== null) yield [sid, session]
        if (pace.isDue()) await pace.rest()
      }
    } catch (error) {
      throw coded(error)
    } finally {
      // Not awaited: a bank that hangs would hang us.
      optional(Promise.resolve(iterator.return?.()))
    }
  }

  /** Connects now, or rejects now. Without it the store connects at the first request. */
  open(): Promise<void> {
    return optional(this.#attempt('open', () => this.#deadlines.limit(this.#openBank(), 'open')))
  }

  /**
   * Ends timers and the connections that are ours, once the operations under way have ended. Every later operation fails with
   * DATABANK_CLOSED. May be called again.
   */
  close(callback?: Callback): Promise<void> {
    this.#closing ??= this.#close()
    if (callback !== undefined) settle(this.#closing, callback, asItIs)
    return optional(this.#closing)
  }

  /** Makes the live session: express-session's part of `createSession`. */
  protected inflate(...[request, data]: Parameters<session.Store['createSession']>): session.Session & SessionData {
    return super.createSession(request, data)
  }

  /** Who tells of the store's work. */
  protected createJournal(log: Logger | undefined, emit: Emit): Journal {
    return new Journal(log, emit)
  }

  /** A session as callers get to see it. */
  protected present<Session extends SessionData>(_sid: string, session: Session): Session {
    return session
  }

  #cleanup(): Promise<void> {
    return this.#attempt('cleanup', async () => {
      this.#journal.cleaned(await this.#longDeadlines.limit(purge(this.#bank, Date.now, this.#journal.purgeWatcher()), 'cleanup'))
    })
  }

  async #openBank(): Promise<void> {
    await this.#bank.open?.()
  }

  async #closeBank(): Promise<void> {
    await this.#bank.close?.()
  }

  async #close(): Promise<void> {
    this.#janitor?.stop()
    try {
      await Promise.all([this.#deadlines.idle(), this.#longDeadlines.idle()])
      await this.#deadlines.limit(this.#closeBank(), 'close')
    } catch (error) {
      throw coded(error)
    }
  }

  #onSession<T, Value>(
    operation: string,
    sid: string,
    callback: Callback<Value> | undefined,
    work: () => Promise<T>,
    give: (outcome: T) => Value,
  ): void {
    const start = (): Promise<T> => {
      requireId(sid)
      return work()
    }
    settle(this.#start(start), callback, give, this.#teller(operation, typeof sid === 'string' ? sid : undefined))
  }

  #onAll<T>(operation: string, callback: Callback<T> | undefined, work: () => Promise<T>): void {
    settle(this.#start(work), callback, asItIs, this.#teller(operation, undefined))
  }

  /** The same for who awaits it. */
  #attempt(operation: string, work: () => Promise<void>): Promise<void> {
    return this.#start(work).catch((failure) => {
      throw this.#failure(operation, undefined, failure)
    })
  }

  /** What the work throws is its rejection, as if it were an async function: at the price of none. */
  #start<T>(work: () => Promise<T>): Promise<T> {
    try {
      this.#requireOpen()
      return work()
    } catch (failure) {
      return Promise.reject(failure)
    }
  }

  /** Made where nothing else is at hand: it would keep the work alive, and with that the session, as long as the operation is under way. */
  #teller(operation: string, sid: string | undefined): (failure: unknown) => Error {
    return (failure) => this.#failure(operation, sid, failure)
  }

  /** Every failure of every operation comes through here: it gets a code, a log record, and goes on to who asked. */
  #failure(operation: string, sid: string | undefined, failure: unknown): Error {
    const error = coded(failure)
    this.#journal.failed(operation, error, sid)
    return error
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new DatabankError('DATABANK_CLOSED', 'this store was closed')
  }
}

function requireId(sid: unknown): void {
  if (typeof sid !== 'string' || sid === '')
    throw new DatabankError('DATABANK_INVALID_ID', 'a session id must be a non-empty string')
}
