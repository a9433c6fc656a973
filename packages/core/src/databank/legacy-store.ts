import { randomUUID } from 'node:crypto'
import { type SessionData, Store } from 'express-session'
import { type Bank, extend, isLive } from '../bank.ts'
import { CleanupTimer } from '../cleanup.ts'
import { bankIdOf } from '../entries.ts'
import { type Logger, safely } from '../log.ts'
import { type Callback, deliver, ignore, promised } from '../operation.ts'
import type { StoreOptions } from '../options.ts'
import { DatabankStore } from '../store.ts'
import { type Databank, databankSchema, fromDatabank, isDatabank } from './databank.ts'

type Create = Store['createSession']

/** The store class of 1.x: it takes options, or a connected databank, a bunyan logger and an interval. */
export interface DatabankStoreClass {
  new (options: StoreOptions): DatabankStore
  /**
   * The call of 1.x. Browser sessions never expire with it, and its debug log holds whole sessions. `close()` stops the clean-up and
   * nothing else: the databank is the caller's.
   *
   * @param cleanup between two clean-ups, in milliseconds; none if it is missing or 0
   */
  new (databank: Databank, log?: Logger | null, cleanup?: number | null): DatabankStore
  /** The schema of a databank: `Databank.get(driver, { schema: DatabankStore.schema })`. */
  readonly schema: typeof databankSchema
  readonly prototype: DatabankStore
}

/** The class of 1.x: `require('connect-databank')(session)`. */
export function storeClassFor(module: { Store: { prototype: { createSession: Create } } }): DatabankStoreClass {
  if (module?.Store === (Store as unknown)) return LegacyStore
  // Another copy of express-session: its requests get sessions of its own class.
  const { createSession } = module.Store.prototype
  return class extends LegacyStore {
    protected override makeSession(...args: Parameters<Create>): ReturnType<Create> {
      const live = createSession.apply(this, args)
      this.adopt(args[1], live)
      return live
    }
  }
}

/** The store of 2 with the constructor, the log and the `sid` of 1.x. Given options, it is the store of 2. */
class LegacyStore extends DatabankStore {
  static readonly schema = databankSchema
  readonly #log: LegacyLog | undefined
  readonly #isLegacy: boolean
  readonly #cleanupTimer: CleanupTimer | undefined

  constructor(first: Databank | StoreOptions, logger?: Logger | null, cleanup?: number | null) {
    const isLegacy = isDatabank(first)
    const log = isLegacy && logger ? new LegacyLog(logger) : undefined
    super(isLegacy ? { bank: logged(fromDatabank(first), log), ttl: null, cleanupInterval: null } : first)
    this.#isLegacy = isLegacy
    this.#log = log
    if (isLegacy && cleanup) this.#cleanupTimer = new CleanupTimer(cleanup, () => this.#cleanRegularly())
  }

  override get(sid: string, callback?: Callback<SessionData | null>): Promise<SessionData | null> {
    const log = (found: SessionData | null): SessionData | null => {
      if (found === null) this.#log?.debug({ sid }, 'No session in get()')
      this.#log?.debug({ sid, session: found }, 'Got session.')
      return found && this.#withSid(sid, found)
    }
    return this.#logged(super.get(sid), log, { sid }, callback)
  }

  override createSession(...args: Parameters<Create>): ReturnType<Create> {
    return this.#withSid(args[0].sessionID, this.makeSession(...args))
  }

  override set(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    return this.#logged(super.set(sid, session), () => this.#log?.debug({ sid, session }, 'Saved session.'), { sid }, callback)
  }

  override touch(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    return this.#logged(super.touch(sid, session), ignore, { sid }, callback)
  }

  override destroy(sid: string, callback?: Callback): Promise<void> {
    // Only the call of 1.x, which has no `hashIds`, stores under the session's own id, and logs whether there was one.
    if (!this.#isLegacy) return super.destroy(sid, callback!) as never
    const log = (existed: boolean): void => {
      this.#log?.debug({ sid }, existed ? 'Destroy for found session' : 'Destroy for non-existent session; all good.')
    }
    return this.#logged(super.destroyById(typeof sid === 'string' && sid !== '' ? bankIdOf(sid) : sid), log, { sid }, callback)
  }

  override all(callback?: Callback<SessionData[]>): Promise<SessionData[]> {
    const log = (sessions: SessionData[]): SessionData[] => {
      this.#log?.debug({ count: sessions.length }, 'Retrieved all sessions')
      return sessions.map((each) => this.#withSid((each as SessionData & { id: string }).id, each))
    }
    return this.#logged(super.all(), log, {}, callback)
  }

  override length(callback?: Callback<number>): Promise<number> {
    const log = (length: number): number => {
      this.#log?.debug({ length }, 'Retrieved count of sessions')
      return length
    }
    return this.#logged(super.length(), log, {}, callback)
  }

  override clear(callback?: Callback): Promise<void> {
    return this.#logged(super.clear(), () => this.#log?.debug({}, 'Cleared all sessions.'), {}, callback)
  }

  override cleanup(callback?: Callback): Promise<void> {
    const cid = randomUUID()
    this.#log?.debug({ cid }, 'Starting cleanup.')
    const cleaning = this.#log === undefined ? super.cleanup() : this.#log.during(cid, () => super.cleanup())
    return this.#logged(cleaning, () => this.#log?.debug({ cid }, 'Finished cleaning up.'), { cid }, callback)
  }

  /** Given a databank, stops the clean-up and nothing else: the databank stays open, and so does the store. */
  override close(callback?: Callback): Promise<void> {
    if (!this.#isLegacy) return super.close(callback)
    this.#cleanupTimer?.stop()
    if (typeof callback === 'function') process.nextTick(callback, null)
    return Promise.resolve()
  }

  protected makeSession(...args: Parameters<Create>): ReturnType<Create> {
    return super.createSession(...args)
  }

  /** Sessions of 1.x know their `sid`. It is not enumerable, so it is neither stored nor hashed. */
  #withSid<Session extends SessionData>(sid: string, session: Session): Session {
    return this.#isLegacy ? Object.defineProperty(session, 'sid', { value: sid, configurable: true, writable: true }) : session
  }

  #logged<T, Value>(work: Promise<T>, map: (result: T) => Value, fields: object, callback?: Callback<Value>): Promise<Value> {
    const mapError = (error: unknown): Error => {
      this.#log?.failed(error as Error, fields)
      return error as Error
    }
    if (typeof callback !== 'function') return promised(work, map, mapError)
    deliver(work, callback, map, mapError)
    return undefined as never
  }

  async #cleanRegularly(): Promise<void> {
    await this.cleanup().then(
      () => this.#log?.debug({}, 'Finished cleaning up sessions.'),
      (error) => this.#log?.error(error, {}, 'Error cleaning up sessions'),
    )
  }
}

/** The log of 1.x: at debug level, with ids and sessions whole, as its users' tools expect. */
class LegacyLog {
  readonly #logger: Logger | undefined
  readonly #logged = new WeakSet<Error>()
  /** The clean-up that is being started. */
  cid: string | undefined
  /** The clean-up that is deleting a session, by the session's id. */
  readonly deleting = new Map<string, string>()

  constructor(logger: Logger) {
    this.#logger = safely(() => (typeof logger.child === 'function' ? logger.child({ component: 'connect-databank' }) : logger))
  }

  debug(fields: object, message: string): void {
    safely(() => this.#logger?.debug(fields, message))
  }

  /** Logs the failure of an operation, unless one of its steps has. */
  failed(error: Error, fields: object): void {
    if (!this.#logged.has(error)) this.error(error, fields)
  }

  error(error: Error, fields: object, message?: string): void {
    this.#logged.add(error)
    const { cause } = error as { cause?: Error }
    const err = typeof cause?.message === 'string' ? cause : error
    safely(() => this.#logger?.error({ err, ...fields }, message ?? err.message))
  }

  /** Calls `start`; operations that it starts synchronously belong to the clean-up `cid`. */
  async during(cid: string, start: () => Promise<void>): Promise<void> {
    this.cid = cid
    const cleaning = start()
    this.cid = undefined
    try {
      await cleaning
    } finally {
      // Some were extended since the scan, and not deleted.
      for (const [sid, each] of this.deleting) if (each === cid) this.deleting.delete(sid)
    }
  }
}

/** The bank, with 1.x's log records for each session that a clean-up meets. */
function logged(bank: Bank, log: LegacyLog | undefined): Bank {
  const { scan } = bank
  if (log === undefined || scan === undefined) return bank
  const { deleting } = log
  async function* scanLogged(cid: string): ReturnType<NonNullable<Bank['scan']>> {
    try {
      for await (const [sid, stored] of scan!.call(bank)) {
        const isActive = isLive(stored, Date.now())
        log!.debug({ sid, cid }, isActive ? 'Ignoring active session.' : 'Deleting inactive session.')
        if (!isActive) deleting.set(sid, cid)
        yield [sid, stored]
      }
    } catch (error) {
      log!.error(error as Error, { cid }, 'Error scanning sessions.')
      throw error
    }
  }
  const remove = async (sid: string): Promise<boolean> => {
    const cid = deleting.get(sid)
    deleting.delete(sid)
    if (cid === undefined) return bank.delete(sid)
    try {
      const existed = await bank.delete(sid)
      log.debug({ sid, cid }, existed ? 'Successfully deleted session.' : 'Missing inactive session on delete; ignoring.')
      return existed
    } catch (error) {
      log.error(error as Error, { sid, cid }, 'Error deleting this session.')
      throw error
    }
  }
  return extend(bank, {
    scan: () => (log.cid === undefined ? scan.call(bank) : scanLogged(log.cid)),
    delete: remove,
  })
}
