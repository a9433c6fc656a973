import type { SessionData } from 'express-session'
import type { PurgeWatcher } from './derive.ts'

/** A logger in the manner of bunyan and pino (`child`, fields first), or of console (words first). */
export interface Logger {
  debug(...record: unknown[]): void
  info(...record: unknown[]): void
  warn(...record: unknown[]): void
  error(...record: unknown[]): void
  child?(fields: Record<string, unknown>): Logger
}

export type Level = 'debug' | 'info' | 'warn' | 'error'

/** Tells the store's listeners. */
export type Emit = (event: 'conflict' | 'dropped' | 'corrupt' | 'timeout', detail: { sid: string | undefined }) => void

/**
 * What the store tells of its work, one method an occasion: events for the program, records for the log, of what deserves
 * attention. A log never holds a session's contents, and of an id, which is a credential, only the beginning.
 */
export class Journal {
  readonly #log: Logger | undefined
  readonly #emit: Emit

  constructor(log: Logger | undefined, emit: Emit) {
    this.#log = log === undefined ? undefined : safely(() => childOf(log))
    this.#emit = emit
  }

  got(_id: string, _session: SessionData | null): void {}
  saved(_id: string, _session: SessionData): void {}
  destroyed(_id: string, _existed: boolean): void {}
  listed(_count: number): void {}
  counted(_length: number): void {}

  cleared(): void {
    this.write('info', {}, 'all sessions cleared')
  }

  /** A clean-up begins. */
  purgeWatcher(): PurgeWatcher {
    return {}
  }

  cleaned(freed: number): void {
    this.write('debug', { freed }, 'expired sessions freed')
  }

  /** Another request had saved the session since it was loaded; both versions were merged. */
  conflict(sid: string): void {
    this.write('debug', { sid: this.named(sid) }, 'parallel changes of a session merged')
    this.#emit('conflict', { sid })
  }

  /** The session was destroyed, or died, since it was loaded; it was not written again. */
  dropped(sid: string): void {
    this.write('info', { sid: this.named(sid) }, 'late write dropped: the session was destroyed or has expired')
    this.#emit('dropped', { sid })
  }

  /** What is stored is no session; it counts as missing. */
  corrupt(sid: string): void {
    this.write('warn', { sid: this.named(sid) }, 'corrupt record taken as missing')
    this.#emit('corrupt', { sid })
  }

  failed(operation: string, error: Error & { code: string }, sid: string | undefined): void {
    this.write('error', sid === undefined ? { err: error } : { err: error, sid: this.named(sid) }, `${operation} failed`)
    if (error.code === 'DATABANK_TIMEOUT') this.#emit('timeout', { sid })
  }

  /** How a log calls a session. */
  protected named(sid: string): string {
    return `${sid.slice(0, 6)}…`
  }

  protected write(level: Level, fields: Record<string, unknown>, message: string): void {
    const log = this.#log
    if (log !== undefined) safely(() => log[level](fields, message))
  }
}

/** A logger that takes fields first and names us in each record. */
function childOf(log: Logger): Logger {
  const fields = { component: 'connect-databank' }
  if (typeof log.child === 'function') return log.child(fields)
  const wordsFirst =
    (level: Level) =>
    (record: unknown, message?: unknown): void =>
      log[level](`connect-databank: ${message}`, record)
  return { debug: wordsFirst('debug'), info: wordsFirst('info'), warn: wordsFirst('warn'), error: wordsFirst('error') }
}

/** A logger that throws must not fail a request. */
function safely<T>(write: () => T): T | undefined {
  try {
    return write()
  } catch {
    return undefined
  }
}
