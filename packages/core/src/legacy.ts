import { randomUUID } from 'node:crypto'
import session, { type SessionData } from 'express-session'
import { type Databank, databankSchema, fromDatabank, isDatabank } from './databank.ts'
import type { PurgeWatcher } from './derive.ts'
import { type Emit, Journal, type Logger } from './journal.ts'
import { DatabankStore } from './store.ts'
import type { StoreOptions } from './store-options.ts'

type Create = session.Store['createSession']

/** A store class as 1.x gave it: it takes options, or a connected databank, a bunyan logger and an interval. */
export interface DatabankStoreClass {
  new (options: StoreOptions): DatabankStore
  /**
   * The call of 1.x. Browser sessions never expire with it, and its debug log holds whole sessions.
   *
   * @param cleanup milliseconds between two clean-ups; none if it is missing or 0
   */
  new (databank: Databank, log?: Logger | null, cleanup?: number | null): DatabankStore
  /** What a databank must be made with: `Databank.get(driver, { schema: DatabankStore.schema })`. */
  readonly schema: typeof databankSchema
  readonly prototype: DatabankStore
}

/** The class of 1.x: `require('connect-databank')(session)`. */
export function storeClassFor(module: { Store: { prototype: { createSession: Create } } }): DatabankStoreClass {
  const isOurs = module?.Store === (session.Store as unknown)
  if (isOurs) return LegacyStore
  // Another copy of express-session: its requests get sessions of its own class.
  const { createSession } = module.Store.prototype
  return class extends LegacyStore {
    protected override inflate(...args: Parameters<Create>): ReturnType<Create> {
      return createSession.apply(this, args)
    }
  }
}

class LegacyStore extends DatabankStore {
  static readonly schema = databankSchema
  readonly #isLegacy: boolean

  constructor(first: Databank | StoreOptions, log?: Logger | null, cleanup?: number | null) {
    super(isDatabank(first) ? optionsOf(first, log, cleanup) : first)
    this.#isLegacy = isDatabank(first)
  }

  override createSession(...args: Parameters<Create>): ReturnType<Create> {
    return this.present(args[0].sessionID, super.createSession(...args))
  }

  protected override createJournal(log: Logger | undefined, emit: Emit): Journal {
    return log instanceof LegacyLog ? new LegacyJournal(log.log, emit) : super.createJournal(log, emit)
  }

  /** Sessions of 1.x know their `sid`. Not enumerable, so it is neither stored nor hashed. */
  protected override present<Session extends SessionData>(sid: string, session: Session): Session {
    return this.#isLegacy ? Object.defineProperty(session, 'sid', { value: sid, configurable: true, writable: true }) : session
  }
}

function optionsOf(databank: Databank, log?: Logger | null, cleanup?: number | null): StoreOptions {
  const options = { bank: fromDatabank(databank), ttl: null, cleanupInterval: cleanup || null }
  return log ? { ...options, log: new LegacyLog(log) } : options
}

/** Says that this log is to be written as 1.x wrote it. */
class LegacyLog implements Logger {
  readonly log: Logger

  constructor(log: Logger) {
    this.log = log
  }

  debug(...record: unknown[]): void {
    this.log.debug(...record)
  }

  info(...record: unknown[]): void {
    this.log.info(...record)
  }

  warn(...record: unknown[]): void {
    this.log.warn(...record)
  }

  error(...record: unknown[]): void {
    this.log.error(...record)
  }
}

/** The log of 1.x, record by record: at debug level, with ids and sessions whole, as its users' tools expect. */
class LegacyJournal extends Journal {
  override got(sid: string, session: SessionData | null): void {
    if (session === null) this.write('debug', { sid }, 'No session in get()')
    this.write('debug', { sid, session }, 'Got session.')
  }

  override saved(sid: string, session: SessionData): void {
    this.write('debug', { sid, session }, 'Saved session.')
  }

  override destroyed(sid: string, existed: boolean): void {
    this.write('debug', { sid }, existed ? 'Destroy for found session' : 'Destroy for non-existent session; all good.')
  }

  override listed(count: number): void {
    this.write('debug', { count }, 'Retrieved all sessions')
  }

  override counted(length: number): void {
    this.write('debug', { length }, 'Retrieved count of sessions')
  }

  override cleared(): void {
    this.write('debug', {}, 'Cleared all sessions.')
  }

  override cleaned(): void {
    this.write('debug', {}, 'Finished cleaning up sessions.')
  }

  override purgeWatcher(): PurgeWatcher {
    const cid = randomUUID()
    const tell = (fields: object, message: string): void => this.write('debug', { ...fields, cid }, message)
    tell({}, 'Starting cleanup.')
    return {
      alive: (sid) => tell({ sid }, 'Ignoring active session.'),
      dead: (sid) => {
        tell({ sid }, 'Queuing inactive session for cleanup.')
        tell({ sid }, 'Deleting inactive session.')
      },
      deleted: (sid, existed) =>
        tell({ sid }, existed ? 'Successfully deleted session.' : 'Missing inactive session on delete; ignoring.'),
      failed: (sid, err) => this.write('error', { sid, cid, err }, 'Error deleting this session.'),
      done: () => {
        tell({}, 'Finished scanning sessions; waiting for queue to drain.')
        tell({}, 'Queue is empty.')
        tell({}, 'Finished cleaning up.')
      },
    }
  }

  protected override named(sid: string): string {
    return sid
  }
}
