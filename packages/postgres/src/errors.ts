import { causesOf } from '@connect-databank/sql'
import type { ErrorCode } from 'connect-databank/backend'

/** The codes for each SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const CODES: Readonly<Record<string, ErrorCode>> = {
  '25006': 'DATABANK_UNAVAILABLE', // read_only_sql_transaction: a replica, after a failover
  '40001': 'DATABANK_UNAVAILABLE', // serialization_failure, which did not succeed when it was repeated
  '40P01': 'DATABANK_UNAVAILABLE', // deadlock_detected, likewise
  '42501': 'DATABANK_DENIED', // insufficient_privilege
  '53100': 'DATABANK_FULL', // disk_full
  '53200': 'DATABANK_UNAVAILABLE', // out_of_memory
  '53300': 'DATABANK_UNAVAILABLE', // too_many_connections
  '53400': 'DATABANK_FULL', // configuration_limit_exceeded: temporary files
  '55P03': 'DATABANK_TIMEOUT', // lock_not_available: lock_timeout
  '57014': 'DATABANK_TIMEOUT', // query_canceled: statement_timeout
  '57P01': 'DATABANK_UNAVAILABLE', // admin_shutdown
  '57P02': 'DATABANK_UNAVAILABLE', // crash_shutdown
  '57P03': 'DATABANK_UNAVAILABLE', // cannot_connect_now: it starts up or shuts down
  '57P05': 'DATABANK_UNAVAILABLE', // idle_session_timeout
  '22P02': 'DATABANK_INVALID_SESSION', // invalid_text_representation: no JSON, for a column of JSON
  '22P05': 'DATABANK_INVALID_SESSION', // untranslatable_character: \u0000, for a column of jsonb
}

/** The codes for the first two characters of a SQLSTATE that is not in the table. */
const CLASSES: Readonly<Record<string, ErrorCode>> = {
  '08': 'DATABANK_UNAVAILABLE', // connection exceptions
  '28': 'DATABANK_DENIED', // invalid authorization
  '58': 'DATABANK_UNAVAILABLE', // system errors
}

export const MISSING_TABLE = '42P01'

const READ_ONLY = '25006'
/** There is no prepared statement of this name, or there is one already. */
const LOST_STATEMENT: ReadonlySet<string> = new Set(['26000', '42P05'])
const NOT_SUPPORTED = '0A000'

/** The statement was rolled back, and may succeed when it is repeated. */
export const TRANSIENT: ReadonlySet<string> = new Set(['40001', '40P01'])

/** Errors of clients, by their messages: those of pg have no code. */
const CLIENT_ERRORS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/Query read timeout/, 'DATABANK_TIMEOUT'],
  [/Connection terminated|timeout e\w+|not queryable|after calling end on the pool/, 'DATABANK_UNAVAILABLE'],
  [/certificate|does not support SSL/, 'DATABANK_UNAVAILABLE'],
  // postgres.js
  [/CONNECT_TIMEOUT|CONNECTION_(CLOSED|DESTROYED|ENDED)/, 'DATABANK_UNAVAILABLE'],
]

/** The SQLSTATE of the server's error, also where a query builder has wrapped it. */
export function stateOf(error: unknown): string | undefined {
  for (const { code, severity } of causesOf(error)) {
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && severity !== undefined) return code
  }
  return undefined
}

export function codeOf(error: object): ErrorCode | undefined {
  const state = stateOf(error)
  if (state === undefined) return codeOfMessage(error)
  if (Object.hasOwn(CODES, state)) return CODES[state]
  const kind = state.slice(0, 2)
  return Object.hasOwn(CLASSES, kind) ? CLASSES[kind] : undefined
}

function codeOfMessage(error: object): ErrorCode | undefined {
  for (const { message } of causesOf(error)) {
    const found = CLIENT_ERRORS.find(([pattern]) => typeof message === 'string' && pattern.test(message))
    if (found !== undefined) return found[1]
  }
  return undefined
}

/** Whether the connection of the error is unusable: it is lost, is one to a replica, or has outdated statements. */
export function isOfConnection(error: unknown): boolean {
  const state = stateOf(error)
  return (
    state === undefined || state === READ_ONLY || /^(57P|08)/.test(state) || isStatementLost(error) || isStatementOutdated(error)
  )
}

/** Whether a pooler has changed the connection to the server: the previous connection has the prepared statements. */
export function isStatementLost(error: unknown): boolean {
  return LOST_STATEMENT.has(stateOf(error) ?? '')
}

/** Whether a prepared statement no longer fits its table, because a column was changed. */
export function isStatementOutdated(error: unknown): boolean {
  // The message is in the server's language.
  return stateOf(error) === NOT_SUPPORTED && (error as { routine?: string }).routine === 'RevalidateCachedQuery'
}
