import type { ErrorCode } from './errors.ts'

/**
 * A logger: bunyan, pino and winston, or console. Fields come first for bunyan and pino, the message comes first for winston and
 * console.
 */
export interface Logger {
  debug(...record: unknown[]): void
  info(...record: unknown[]): void
  warn(...record: unknown[]): void
  error(...record: unknown[]): void
  child?(fields: Record<string, unknown>): Logger
}

type Level = 'debug' | 'info' | 'warn' | 'error'
type Fields = Readonly<Record<string, unknown>>

/** The events of the store. `sid` is the stored id: with `hashIds`, the hash. */
export interface StoreEvents {
  /** Another request had written the session since this one loaded it, and both versions were merged. `keys`: the keys that both have changed. */
  conflict: [detail: { readonly sid: string; readonly keys: readonly string[] }]
  /** The session was destroyed, or expired, since this request loaded it: its write was not stored. */
  dropped: [detail: { readonly sid: string }]
  /** The stored record is not a session, and counts as missing. `reason`: why. */
  corrupt: [detail: { readonly sid: string; readonly reason: string }]
  /** An operation had no answer in time. */
  timeout: [detail: { readonly sid: string | undefined }]
}

export type Emit = <Event extends keyof StoreEvents>(event: Event, ...args: StoreEvents[Event]) => void

/** Failures of the whole database: during an outage, each request gets one. */
const OUTAGES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'DATABANK_UNAVAILABLE',
  'DATABANK_TIMEOUT',
  'DATABANK_DENIED',
  'DATABANK_FULL',
  'DATABANK_BACKEND_FAILED',
])
/** The same failure is logged once in this time, in milliseconds, and otherwise counted. */
const REPEAT_INTERVAL = 60_000

/** The store's events and log records. A record holds no session data, and only the beginning of an id, which is a credential. */
export class StoreLog {
  readonly #write: ((level: Level, fields: Fields, message: string) => void) | undefined
  readonly #emit: Emit
  readonly #outages = new Map<ErrorCode, { loggedAt: number; repeated: number }>()

  constructor(logger: Logger | undefined, emit: Emit) {
    this.#write = logger && safely(() => writerOf(logger))
    this.#emit = emit
  }

  conflict(sid: string, keys: readonly string[]): void {
    this.#record('debug', { sid: shortened(sid), keys }, 'parallel changes of a session merged')
    this.#emit('conflict', { sid, keys })
  }

  dropped(sid: string): void {
    this.#record('info', { sid: shortened(sid) }, 'late write dropped: the session was destroyed or has expired')
    this.#emit('dropped', { sid })
  }

  corrupt(sid: string, reason: string): void {
    this.#record('warn', { sid: shortened(sid), reason }, 'the record is no session and counts as missing')
    this.#emit('corrupt', { sid, reason })
  }

  cleared(): void {
    this.#record('info', {}, 'all sessions cleared')
  }

  cleaned(deleted: number): void {
    this.#record('debug', { deleted }, 'expired sessions deleted')
  }

  /** For banks. */
  warn(message: string, fields: Fields = {}): void {
    if (this.#write === undefined) process.emitWarning(message, { code: 'DATABANK_WARNING' })
    else this.#record('warn', fields, message)
  }

  failed(operation: string, error: Error & { code: ErrorCode }, sid: string | undefined): void {
    if (error.code === 'DATABANK_TIMEOUT') this.#emit('timeout', { sid })
    const now = Date.now()
    const outage = this.#outages.get(error.code)
    if (outage !== undefined && now - outage.loggedAt < REPEAT_INTERVAL) {
      outage.repeated++
      return
    }
    if (OUTAGES.has(error.code)) this.#outages.set(error.code, { loggedAt: now, repeated: 0 })
    const repeated = outage?.repeated
    const fields = { ...(sid !== undefined && { sid: shortened(sid) }), ...(repeated && { repeated }) }
    this.#record('error', { err: error, ...fields }, `${operation} failed`)
  }

  #record(level: Level, fields: Fields, message: string): void {
    const write = this.#write
    if (write !== undefined) safely(() => write(level, fields, message))
  }
}

function shortened(sid: string): string {
  return `${sid.slice(0, 6)}…`
}

function writerOf(logger: Logger): (level: Level, fields: Fields, message: string) => void {
  if (isWinston(logger)) {
    return (level, { err, ...fields }, message) => {
      const error = err === undefined ? {} : { error: detailsOf(err) }
      logger[level](message, { component: 'connect-databank', ...fields, ...error })
    }
  }
  if (typeof logger.child === 'function') {
    const child = logger.child({ component: 'connect-databank' })
    if (!isBunyan(logger)) return (level, fields, message) => child[level](fields, message)
    return (level, { err, ...fields }, message) =>
      child[level](err === undefined ? fields : { err: detailsOf(err), ...fields }, message)
  }
  return (level, fields, message) => {
    const text = `connect-databank: ${message}`
    if (Object.keys(fields).length === 0) logger[level](text)
    else logger[level](text, fields)
  }
}

function isWinston(logger: object): boolean {
  return 'transports' in logger && typeof (logger as { log?: unknown }).log === 'function'
}

function isBunyan(logger: object): boolean {
  return 'addStream' in logger && 'addSerializers' in logger
}

const DEEPEST_CAUSE = 5

/**
 * An error as a plain object. winston, and bunyan without serializers, write only own enumerable fields, and an Error's message is not
 * enumerable. bunyan's serializer writes the stack, but no cause.
 */
function detailsOf(error: unknown, depth = 0): Fields {
  const { name, message, code, cause, stack = '' } = error as Error & { code?: unknown }
  if (typeof cause !== 'object' || cause === null || depth === DEEPEST_CAUSE) return { name, message, code, stack }
  const details = detailsOf(cause, depth + 1)
  return { name, message, code, stack: `${stack}\nCaused by: ${details['stack']}`, cause: details }
}

/** A logger that throws must not fail a request. */
export function safely<T>(write: () => T): T | undefined {
  try {
    return write()
  } catch {
    return undefined
  }
}
