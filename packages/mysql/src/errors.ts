import { causesOf } from '@connect-databank/sql'
import type { ErrorCode } from 'connect-databank/backend'

/** The codes for the server's error numbers: https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html */
const CODES: Readonly<Record<number, ErrorCode>> = {
  1021: 'DATABANK_FULL', // ER_DISK_FULL
  1040: 'DATABANK_UNAVAILABLE', // ER_CON_COUNT_ERROR: too many connections
  1041: 'DATABANK_UNAVAILABLE', // ER_OUT_OF_RESOURCES
  1044: 'DATABANK_DENIED', // ER_DBACCESS_DENIED_ERROR
  1045: 'DATABANK_DENIED', // ER_ACCESS_DENIED_ERROR
  1053: 'DATABANK_UNAVAILABLE', // ER_SERVER_SHUTDOWN
  1114: 'DATABANK_FULL', // ER_RECORD_FILE_FULL
  1129: 'DATABANK_DENIED', // ER_HOST_IS_BLOCKED
  1130: 'DATABANK_DENIED', // ER_HOST_NOT_PRIVILEGED
  1142: 'DATABANK_DENIED', // ER_TABLEACCESS_DENIED_ERROR
  1143: 'DATABANK_DENIED', // ER_COLUMNACCESS_DENIED_ERROR
  1153: 'DATABANK_INVALID_SESSION', // ER_NET_PACKET_TOO_LARGE: max_allowed_packet
  1203: 'DATABANK_UNAVAILABLE', // ER_TOO_MANY_USER_CONNECTIONS
  1205: 'DATABANK_TIMEOUT', // ER_LOCK_WAIT_TIMEOUT
  1213: 'DATABANK_UNAVAILABLE', // ER_LOCK_DEADLOCK, which did not succeed when it was repeated
  1227: 'DATABANK_DENIED', // ER_SPECIFIC_ACCESS_DENIED_ERROR
  1251: 'DATABANK_DENIED', // ER_NOT_SUPPORTED_AUTH_MODE
  1290: 'DATABANK_UNAVAILABLE', // ER_OPTION_PREVENTS_STATEMENT: read_only, on a replica after a failover
  1317: 'DATABANK_TIMEOUT', // ER_QUERY_INTERRUPTED
  1366: 'DATABANK_INVALID_SESSION', // ER_TRUNCATED_WRONG_VALUE_FOR_FIELD: a character that the column's character set lacks
  1406: 'DATABANK_INVALID_SESSION', // ER_DATA_TOO_LONG
  1698: 'DATABANK_DENIED', // ER_ACCESS_DENIED_NO_PASSWORD_ERROR
  1792: 'DATABANK_UNAVAILABLE', // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
  1820: 'DATABANK_DENIED', // ER_MUST_CHANGE_PASSWORD
  1836: 'DATABANK_UNAVAILABLE', // ER_READ_ONLY_MODE
  1862: 'DATABANK_DENIED', // ER_MUST_CHANGE_PASSWORD_LOGIN
  1927: 'DATABANK_UNAVAILABLE', // MariaDB: ER_CONNECTION_KILLED
  1969: 'DATABANK_TIMEOUT', // MariaDB: ER_STATEMENT_TIMEOUT
  3024: 'DATABANK_TIMEOUT', // ER_QUERY_TIMEOUT: max_execution_time
  3118: 'DATABANK_DENIED', // ER_ACCOUNT_HAS_BEEN_LOCKED
  3140: 'DATABANK_INVALID_SESSION', // ER_INVALID_JSON_TEXT, for a column of JSON
  3157: 'DATABANK_INVALID_SESSION', // ER_JSON_DOCUMENT_TOO_DEEP
  3572: 'DATABANK_TIMEOUT', // ER_LOCK_NOWAIT
  3988: 'DATABANK_INVALID_SESSION', // MySQL: ER_IMPOSSIBLE_STRING_CONVERSION, the same
  4025: 'DATABANK_INVALID_SESSION', // MariaDB: ER_CONSTRAINT_FAILED, for a column of JSON
  4031: 'DATABANK_UNAVAILABLE', // ER_CLIENT_INTERACTION_TIMEOUT
}

const MISSING_TABLE = 1146
const DUPLICATE = 1062
/** Rolled back, and may succeed when it is repeated: a deadlock, a statement to prepare again, a row that another has changed. */
const TRANSIENT: ReadonlySet<number> = new Set([1213, 1615, 1020])
/** The server is read-only, is shutting down, or has lost the prepared statements: another connection may work. */
const OF_CONNECTION: ReadonlySet<number> = new Set([1053, 1243, 1290, 1792, 1836, 1927, 4031])

/** mysql2's own errors. */
const CLIENT_CODES: Readonly<Record<string, ErrorCode>> = {
  PROTOCOL_CONNECTION_LOST: 'DATABANK_UNAVAILABLE',
  PROTOCOL_SEQUENCE_TIMEOUT: 'DATABANK_TIMEOUT',
  PROTOCOL_PACKETS_OUT_OF_ORDER: 'DATABANK_UNAVAILABLE',
  HANDSHAKE_NO_SSL_SUPPORT: 'DATABANK_UNAVAILABLE',
  HANDSHAKE_SSL_ERROR: 'DATABANK_UNAVAILABLE',
  AUTH_SWITCH_PLUGIN_ERROR: 'DATABANK_DENIED',
  POOL_CLOSED: 'DATABANK_UNAVAILABLE',
}

const MESSAGES: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^Queue limit reached|^No connections available|^Pool is closed/, 'DATABANK_UNAVAILABLE'],
  [/closed state|Connection lost|connection is in closed|after fatal error/, 'DATABANK_UNAVAILABLE'],
]

/** The server's error number, also where a query builder has wrapped the error. */
export function numberOf(error: unknown): number | undefined {
  for (const { errno, sqlState, sqlMessage } of causesOf(error)) {
    const isOfServer = sqlState !== undefined || sqlMessage !== undefined
    if (typeof errno === 'number' && errno >= 1000 && isOfServer) return errno
  }
  return undefined
}

export function codeOf(error: object): ErrorCode | undefined {
  const number = numberOf(error)
  if (number !== undefined) return CODES[number]
  for (const { code, message } of causesOf(error)) {
    if (typeof code === 'string' && Object.hasOwn(CLIENT_CODES, code)) return CLIENT_CODES[code]
    const found = MESSAGES.find(([pattern]) => typeof message === 'string' && pattern.test(message))
    if (found !== undefined) return found[1]
  }
  return undefined
}

export function isTransient(error: object): boolean {
  return TRANSIENT.has(numberOf(error) ?? 0)
}

export function isMissingTable(error: object): boolean {
  return numberOf(error) === MISSING_TABLE
}

export function isDuplicate(error: object): boolean {
  return numberOf(error) === DUPLICATE
}

/** Whether the connection of the error is unusable. */
export function isOfConnection(error: object): boolean {
  const number = numberOf(error)
  return number === undefined || OF_CONNECTION.has(number)
}
