import { type Session, type SessionData, Store } from 'express-session'
import { type Bank, isLive, type Stored } from './bank.ts'
import { trackedOf } from './baseline.ts'
import { CleanupTimer } from './cleanup.ts'
import { bankIdOf, hashedIdOf, type IdRules, idRules, plainIdOf, requireId } from './entries.ts'
import { coded, DatabankError, type ErrorCode } from './errors.ts'
import { forEachConcurrently, limitSteps, scan } from './fallbacks.ts'
import { encrypt } from './layers/encryption.ts'
import { type Emit, type StoreEvents, StoreLog } from './log.ts'
import { type Callback, Deadlines, deliver, identity, ignore, promised } from './operation.ts'
import { checkStoreOptions, type StoreOptions, withDefaults } from './options.ts'
import { Owners, ownerRule, requireOwner } from './owners.ts'
import { Sessions } from './sessions.ts'
import { operations, publishEvent, traced } from './tracing.ts'

/** An operation of the database on all sessions may take this many times `timeout`. */
const LONG_OPERATION = 12
/** No session has this id: express-session's are longer, and random. */
const CHECK_ID = 'connect-databank-check'

/**
 * A session store for express-session on any bank.
 *
 * Every operation ends exactly once, within `timeout`, also if the bank throws or hangs; errors have a `code`. A method that is
 * called without a callback returns a promise. The store emits `conflict`, `dropped`, `corrupt` and `timeout` (`StoreEvents`), and
 * never `error`.
 *
 * @example
 * app.use(session({ store: new DatabankStore({ bank: new MemoryBank() }), secret, resave: false, saveUninitialized: false }))
 */
export class DatabankStore extends Store {
  readonly #bank: Bank
  readonly #log: StoreLog
  readonly #deadlines: Deadlines
  readonly #longDeadlines: Deadlines
  readonly #sessions: Sessions
  readonly #owners: Owners
  readonly #ids: IdRules
  /** The backend's, in messages. */
  readonly #name: string
  readonly #ownerOf: ((session: SessionData) => string | null) | undefined
  readonly #maxSessionsPerOwner: number | undefined
  readonly #cleanupTimer: CleanupTimer | undefined
  #cleaning: Promise<void> | undefined
  /** Operations of several steps that are under way. */
  readonly #underWay = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  /** @throws DATABANK_INVALID_OPTION, DATABANK_NOT_SUPPORTED */
  constructor(options: StoreOptions) {
    super()
    checkStoreOptions(options)
    const { bank, encryption, hashIds, log, owner, maxSessionsPerOwner, merge, timeout, cleanupInterval, ...rules } =
      withDefaults(options)
    const emit: Emit = (event, ...args) => {
      publishEvent(event, this.#name)
      process.nextTick(() => this.emit(event, ...args))
    }
    this.#log = new StoreLog(log, emit)
    const warn = (message: string, fields?: Readonly<Record<string, unknown>>): void => this.#log.warn(message, fields)
    const opened = typeof bank === 'function' ? bank({ timeout, warn }) : bank
    if (maxSessionsPerOwner !== undefined && opened.idsOf === undefined && opened.scan === undefined) {
      throw new DatabankError('DATABANK_NOT_SUPPORTED', 'maxSessionsPerOwner needs a bank that can list its sessions')
    }
    this.#bank = encryption === undefined ? opened : encrypt(opened, encryption)
    this.#name = this.#bank.name ?? 'unknown'
    this.#ids = idRules(hashIds)
    this.#deadlines = new Deadlines(timeout)
    this.#longDeadlines = new Deadlines(timeout * LONG_OPERATION)
    this.#ownerOf = owner === undefined ? undefined : ownerRule(owner)
    this.#maxSessionsPerOwner = maxSessionsPerOwner
    this.#sessions = new Sessions({
      ...rules,
      bank: this.#bank,
      log: this.#log,
      deadlines: this.#deadlines,
      timeout,
      merge,
      ownerOf: this.#ownerOf,
      storesCreated: rules.absoluteTimeout !== null || maxSessionsPerOwner !== undefined,
    })
    this.#owners = new Owners({
      bank: this.#bank,
      sessions: this.#sessions,
      end: (id) => this.#end(id),
      ownerOf: this.#ownerOf,
      scan: () => this.#scan(),
      limit: (promise, operation) => this.#deadlines.limit(promise, operation),
    })
    const canClean = this.#bank.purge !== undefined || this.#bank.scan !== undefined
    if (cleanupInterval !== null && canClean) this.#cleanupTimer = new CleanupTimer(cleanupInterval, () => this.#cleanRegularly())
  }

  /** The live session with this id, or null. */
  override get(sid: string): Promise<SessionData | null>
  override get(sid: string, callback: Callback<SessionData | null>): void
  override get(sid: string, callback?: Callback<SessionData | null>): Promise<SessionData | null> | void {
    const map = (stored: Stored | null): SessionData | null =>
      stored === null ? null : this.#sessions.loaded(this.#idOf(sid), stored)
    return this.#run('get', sid, () => this.#load(sid), map, callback)
  }

  /** express-session calls it with the result of `get`: the live session gets the baseline of that result. */
  override createSession(...[request, data]: Parameters<Store['createSession']>): Session & SessionData {
    const live = super.createSession(request, data)
    this.adopt(data, live)
    return live
  }

  /** Stores the session. Changes of parallel requests are kept; a session that was destroyed meanwhile is not written again. */
  override set(sid: string, session: SessionData): Promise<void>
  override set(sid: string, session: SessionData, callback: Callback): void
  override set(sid: string, session: SessionData, callback?: Callback): Promise<void> | void {
    return this.#run('set', sid, () => this.#save(this.#idOf(sid), session), ignore, callback)
  }

  /** Changes the session's expiry to that of its cookie, and stores a changed cookie. It does not change data. */
  override touch(sid: string, session: SessionData): Promise<void>
  override touch(sid: string, session: SessionData, callback: Callback): void
  override touch(sid: string, session: SessionData, callback?: Callback): Promise<void> | void {
    return this.#run('touch', sid, () => this.#sessions.touch(this.#idOf(sid), session), ignore, callback)
  }

  /** Ends the session. It is no error if there is none. */
  override destroy(sid: string): Promise<void>
  override destroy(sid: string, callback: Callback): void
  override destroy(sid: string, callback?: Callback): Promise<void> | void {
    return this.#run('destroy', sid, () => this.#sessions.destroy(this.#idOf(sid), plainIdOf(this.#ids, sid)), ignore, callback)
  }

  /**
   * Atomic read-modify-write, for data that a merge cannot combine: counters, stock.
   *
   * @param change changes the given session, or returns another one. It may run again if another write was faster
   * @returns the stored session, or null if there is none
   */
  update(sid: string, change: Parameters<Sessions['update']>[1]): Promise<SessionData | null> {
    const work = async (): Promise<SessionData | null> => {
      // Moves a session that is stored under its plain id.
      if (this.#ids.acceptsPlain) await this.#load(sid)
      return this.#sessions.update(this.#idOf(sid), change)
    }
    return this.#run('update', sid, work, identity, undefined)
  }

  /** All live sessions, as an array. Each has a non-enumerable `id`. Prefer `entries()` if there may be many. */
  override all(): Promise<SessionData[]>
  override all(callback: Callback<SessionData[]>): void
  override all(callback?: Callback<SessionData[]>): Promise<SessionData[]> | void {
    const work = async (): Promise<SessionData[]> => {
      const sessions: SessionData[] = []
      for await (const [id, session] of this.entries()) {
        sessions.push(Object.defineProperty(session, 'id', { value: id, configurable: true, writable: true, enumerable: false }))
      }
      return sessions
    }
    return this.#run('all', undefined, work, identity, callback)
  }

  /** How many sessions are live. */
  override length(): Promise<number>
  override length(callback: Callback<number>): void
  override length(callback?: Callback<number>): Promise<number> | void {
    return this.#run('length', undefined, () => this.#count(), identity, callback)
  }

  /** Ends all sessions. */
  override clear(): Promise<void>
  override clear(callback: Callback): void
  override clear(callback?: Callback): Promise<void> | void {
    return this.#run('clear', undefined, () => this.#clear(), ignore, callback)
  }

  /** Deletes expired sessions now. The store does so by itself every `cleanupInterval`. */
  cleanup(): Promise<void>
  cleanup(callback: Callback): void
  cleanup(callback?: Callback): Promise<void> | void {
    return this.#run('cleanup', undefined, () => this.#cleanup(), ignore, callback)
  }

  /**
   * All live sessions, streamed: `for await (const [id, session] of store.entries())`. `id` is the stored id, for
   * `destroyById`.
   *
   * @throws DATABANK_NOT_SUPPORTED if the bank cannot list its sessions
   */
  async *entries(): AsyncGenerator<[id: string, session: SessionData], void, undefined> {
    this.#throwIfClosed()
    for await (const [id, stored] of this.#scan()) {
      const session = isLive(stored, Date.now()) ? this.#sessions.loaded(id, stored) : null
      if (session !== null) yield [id, session]
    }
  }

  /**
   * The live sessions of an owner, streamed, by the option `owner`. A session is found as soon as its `set` has ended.
   *
   * @throws DATABANK_NOT_SUPPORTED if the bank has neither an index of owners nor a scan
   */
  async *sessionsOf(owner: string | number): AsyncGenerator<[id: string, session: SessionData], void, undefined> {
    this.#throwIfClosed()
    try {
      yield* this.#owners.sessionsOf(requireOwner(owner))
    } catch (error) {
      throw this.#failed('sessionsOf', undefined, error)
    }
  }

  /**
   * Ends the sessions of an owner: all that were stored when it was called, except the session id `except`. Returns how many ended.
   */
  destroySessionsOf(owner: string | number, { except }: { except?: string | undefined } = {}): Promise<number> {
    const work = async (): Promise<number> => {
      const kept = except === undefined ? [] : [this.#idOf(except), plainIdOf(this.#ids, except)]
      return this.#owners.destroySessionsOf(requireOwner(owner), kept)
    }
    return this.#run('destroySessionsOf', undefined, work, identity, undefined)
  }

  /** Ends the session with this stored id, as `entries`, `all` and `sessionsOf` return it. Returns whether there was one. */
  destroyById(id: string): Promise<boolean> {
    const work = (): Promise<boolean> => {
      requireId(id)
      return this.#end(id)
    }
    return this.#run('destroyById', id, work, identity, undefined)
  }

  /** Stores the owner of sessions that were stored before `owner` was configured. Returns how many were changed. */
  reindexOwners(): Promise<number> {
    return this.#run('reindexOwners', undefined, () => this.#owners.reindex(), identity, undefined)
  }

  /**
   * For readiness probes: reads from the database. Rejects with a coded error within `timeout`.
   *
   * @returns the backend's name, the server with its version if the bank knows it, and the time of a read in milliseconds
   */
  check(): Promise<{ backend: string; server: string; latency: number }> {
    const work = (): ReturnType<DatabankStore['check']> => this.#deadlines.limit(this.#check(), 'check')
    return this.#run('check', undefined, work, identity, undefined)
  }

  override on<Event extends keyof StoreEvents>(event: Event, listener: (...args: StoreEvents[Event]) => void): this
  override on(event: string | symbol, listener: (...args: never[]) => void): this
  override on(event: string | symbol, listener: (...args: never[]) => void): this {
    return super.on(event, listener as (...args: unknown[]) => void)
  }

  override once<Event extends keyof StoreEvents>(event: Event, listener: (...args: StoreEvents[Event]) => void): this
  override once(event: string | symbol, listener: (...args: never[]) => void): this
  override once(event: string | symbol, listener: (...args: never[]) => void): this {
    return super.once(event, listener as (...args: unknown[]) => void)
  }

  /** Connects now, or rejects. Without it, the store connects at the first request. */
  open(): Promise<void> {
    const work = (): Promise<void> => this.#deadlines.limit(this.#openBank(), 'open')
    return this.#run('open', undefined, work, ignore, undefined)
  }

  /**
   * Ends timers, and the connections that the store opened, when the operations under way have ended. Later operations fail with
   * DATABANK_CLOSED. A second call has no effect.
   */
  close(callback?: Callback): Promise<void> {
    this.#closing ??= this.#close()
    this.#closing.catch(ignore)
    if (typeof callback === 'function') deliver(this.#closing, callback, ignore, coded)
    return this.#closing
  }

  /** Lets the live session continue with the baseline of the data that it was made from. */
  protected adopt(data: object, live: object): void {
    this.#sessions.adopt(data, live)
  }

  /** The id that the bank stores a session under. */
  #idOf(sid: string): string {
    return this.#ids.isHashed ? hashedIdOf(sid) : bankIdOf(sid)
  }

  #load(sid: string): Promise<Stored | null> {
    const id = this.#idOf(sid)
    const loading = this.#sessions.load(id)
    const plainId = plainIdOf(this.#ids, sid)
    return plainId === undefined ? loading : loading.then((stored) => stored ?? this.#sessions.moveToHashedId(plainId, id))
  }

  #save(id: string, session: SessionData): Promise<boolean> {
    const max = this.#maxSessionsPerOwner
    return max === undefined ? this.#sessions.save(id, session) : this.#saveLimited(id, session, max)
  }

  async #saveLimited(id: string, session: SessionData, max: number): Promise<boolean> {
    const before = trackedOf(session, this.#sessions)?.baseline
    const at = Date.now()
    // Before the save: the request may change its session meanwhile.
    const owner = this.#ownerOf!(session)
    const isWritten = await this.#sessions.save(id, session)
    const isAdded = before === undefined || before.isNew || before.owner !== owner
    // The age of a new session that is saved twice counts from its creation, as in other processes.
    const since = before?.isNew === true ? 0 : at
    if (isWritten && owner !== null && isAdded) await this.#owners.limitSessions(owner, max, { id, at: since })
    return isWritten
  }

  /** Ends the session with this stored id, and that with its hash, if it may have been moved there meanwhile. */
  async #end(id: string): Promise<boolean> {
    const existed = await this.#sessions.destroy(id)
    const isPlain = plainIdOf(this.#ids, id) !== undefined
    return (isPlain && (await this.#sessions.destroy(hashedIdOf(id)))) || existed
  }

  async #count(): Promise<number> {
    if (this.#bank.count !== undefined) return this.#longDeadlines.limit(this.#bank.count(Date.now()), 'length')
    let count = 0
    for await (const _ of this.entries()) count++
    return count
  }

  async #clear(): Promise<void> {
    // Without swap, only the write queue prevents a write under way from restoring the session.
    const isAtomic = this.#bank.swap !== undefined || this.#bank.scan === undefined
    if (this.#bank.clear !== undefined && isAtomic) await this.#longDeadlines.limit(this.#bank.clear(), 'clear')
    else await forEachConcurrently(this.#scan(), async ([id]) => void (await this.#sessions.destroy(id)))
    this.#log.cleared()
  }

  /** One clean-up at a time: a call during another shares its result. */
  #cleanup(): Promise<void> {
    if (this.#cleaning === undefined) {
      const work = this.#purge().finally(() => {
        this.#cleaning = undefined
      })
      work.catch(ignore)
      this.#cleaning = work
    }
    // The fallback limits each of its steps, and continues as long as it makes progress.
    return this.#bank.purge === undefined ? this.#cleaning : this.#longDeadlines.limit(this.#cleaning, 'cleanup')
  }

  async #purge(): Promise<void> {
    let deleted = 0
    if (this.#bank.purge !== undefined) deleted = await this.#bank.purge(Date.now())
    else {
      await forEachConcurrently(this.#scan(), async ([id, stored]) => {
        if (!isLive(stored, Date.now()) && (await this.#sessions.deleteExpired(id))) deleted++
      })
    }
    this.#log.cleaned(deleted)
  }

  /** Ends when the clean-up itself has ended, even after its time-out. */
  async #cleanRegularly(): Promise<void> {
    await this.cleanup().catch(ignore)
    await this.#cleaning?.catch(ignore)
  }

  /** All entries, with the store's time-out for each step. */
  async *#scan(): AsyncGenerator<readonly [id: string, stored: Stored], void, undefined> {
    try {
      yield* limitSteps(scan(this.#bank), (step) => this.#deadlines.limit(step, 'scan'))
    } catch (error) {
      throw coded(error)
    }
  }

  async #check(): ReturnType<DatabankStore['check']> {
    const start = performance.now()
    await this.#bank.read(CHECK_ID)
    const latency = performance.now() - start
    // A user without the right to ask for the version can still use the sessions.
    const description = await this.#bank.describe?.().catch(ignore)
    return { backend: this.#name, server: description?.server ?? 'unknown', latency }
  }

  async #openBank(): Promise<void> {
    await this.#bank.open?.()
  }

  async #close(): Promise<void> {
    this.#cleanupTimer?.stop()
    try {
      await Promise.all([...this.#underWay, this.#deadlines.idle(), this.#longDeadlines.idle()])
      await this.#deadlines.limit(Promise.resolve(this.#bank.close?.()), 'close')
    } catch (error) {
      throw coded(error)
    }
  }

  /** Runs an operation: its result goes to the callback, or without a callback to the returned promise. */
  #run<T, Value>(
    operation: string,
    sid: string | undefined,
    work: () => Promise<T>,
    map: (result: T) => Value,
    callback: Callback<Value> | undefined,
  ): Promise<Value> {
    const promise = operations.hasSubscribers ? traced(operation, this.#name, () => this.#start(work)) : this.#start(work)
    // These take several steps. No deadline runs between them.
    if (sid === undefined || this.#maxSessionsPerOwner !== undefined || this.#ids.acceptsPlain) this.#keepOpenFor(promise)
    const mapError = this.#errorMapper(operation, sid)
    if (typeof callback !== 'function') return promised(promise, map, mapError)
    deliver(promise, callback, map, mapError)
    return undefined as never
  }

  #keepOpenFor(work: Promise<unknown>): void {
    const ended: Promise<unknown> = work.then(ignore, ignore).then(() => this.#underWay.delete(ended))
    this.#underWay.add(ended)
  }

  #start<T>(work: () => Promise<T>): Promise<T> {
    try {
      this.#throwIfClosed()
      return work()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** A separate method: the function must not keep the session alive for as long as the operation is under way. */
  #errorMapper(operation: string, sid: string | undefined): (reason: unknown) => Error {
    return (reason) => this.#failed(operation, sid, reason)
  }

  /** Every failure of every operation gets its code and its log record here. */
  #failed(operation: string, sid: unknown, reason: unknown): Error & { code: ErrorCode } {
    const error = coded(reason)
    this.#log.failed(operation, error, typeof sid === 'string' ? sid : undefined)
    return error
  }

  #throwIfClosed(): void {
    if (this.#closing !== undefined) throw new DatabankError('DATABANK_CLOSED', 'this store was closed')
  }
}
