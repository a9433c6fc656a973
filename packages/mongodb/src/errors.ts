import { type ErrorCode, errorMapper } from 'connect-databank/backend'
import type { Document, MongoClientBulkWriteError } from 'mongodb'

/** The server's error codes: https://www.mongodb.com/docs/manual/reference/error-codes/ */
const SERVER_CODES: Readonly<Record<number, ErrorCode>> = {
  11: 'DATABANK_DENIED', // UserNotFound
  13: 'DATABANK_DENIED', // Unauthorized
  18: 'DATABANK_DENIED', // AuthenticationFailed
  334: 'DATABANK_DENIED', // MechanismUnavailable
  8000: 'DATABANK_DENIED', // AtlasError: how Atlas refuses credentials
  50: 'DATABANK_TIMEOUT', // MaxTimeMSExpired
  64: 'DATABANK_TIMEOUT', // WriteConcernTimeout: the write is there, but not on enough members
  89: 'DATABANK_TIMEOUT', // NetworkTimeout
  262: 'DATABANK_TIMEOUT', // ExceededTimeLimit
  14031: 'DATABANK_FULL', // OutOfDiskSpace
  15: 'DATABANK_INVALID_SESSION', // Overflow: nested too deeply
  10334: 'DATABANK_INVALID_SESSION', // BSONObjectTooLarge
  17419: 'DATABANK_INVALID_SESSION', // the document would be too large after the update
  17420: 'DATABANK_INVALID_SESSION', // the document is too large
  6: 'DATABANK_UNAVAILABLE', // HostUnreachable
  7: 'DATABANK_UNAVAILABLE', // HostNotFound
  91: 'DATABANK_UNAVAILABLE', // ShutdownInProgress
  189: 'DATABANK_UNAVAILABLE', // PrimarySteppedDown
  9001: 'DATABANK_UNAVAILABLE', // SocketException
  10058: 'DATABANK_UNAVAILABLE', // LegacyNotPrimary
  10107: 'DATABANK_UNAVAILABLE', // NotWritablePrimary
  11600: 'DATABANK_UNAVAILABLE', // InterruptedAtShutdown
  11602: 'DATABANK_UNAVAILABLE', // InterruptedDueToReplStateChange
  13435: 'DATABANK_UNAVAILABLE', // NotPrimaryNoSecondaryOk
  13436: 'DATABANK_UNAVAILABLE', // NotPrimaryOrSecondary
}

/** The driver's own errors, by name: they may come from another copy of the driver. */
const DRIVER_ERRORS: Readonly<Record<string, ErrorCode>> = {
  MongoNetworkTimeoutError: 'DATABANK_TIMEOUT',
  MongoOperationTimeoutError: 'DATABANK_TIMEOUT',
  MongoMissingCredentialsError: 'DATABANK_DENIED',
  BSONError: 'DATABANK_INVALID_SESSION',
  BSONVersionError: 'DATABANK_INVALID_SESSION',
  RangeError: 'DATABANK_INVALID_SESSION',
  MongoClientClosedError: 'DATABANK_UNAVAILABLE',
  MongoNetworkError: 'DATABANK_UNAVAILABLE',
  MongoNotConnectedError: 'DATABANK_UNAVAILABLE',
  MongoPoolClearedError: 'DATABANK_UNAVAILABLE',
  MongoPoolClosedError: 'DATABANK_UNAVAILABLE',
  MongoServerClosedError: 'DATABANK_UNAVAILABLE',
  MongoServerSelectionError: 'DATABANK_UNAVAILABLE',
  MongoStalePrimaryError: 'DATABANK_UNAVAILABLE',
  MongoTopologyClosedError: 'DATABANK_UNAVAILABLE',
  MongoUnexpectedServerResponseError: 'DATABANK_UNAVAILABLE',
  MongoWaitQueueTimeoutError: 'DATABANK_UNAVAILABLE',
  PoolClearedOnNetworkError: 'DATABANK_UNAVAILABLE',
}

/** The driver's error with our code. */
export const mongoError = errorMapper('MongoDB', codeOf)

function codeOf({ name, code, message, cause, errorResponse, writeConcernErrors }: Document): ErrorCode | undefined {
  // Atlas has one code for a wrong password and for a full disk.
  if (typeof message === 'string' && message.includes('space quota')) return 'DATABANK_FULL'
  if (typeof code === 'number' && Object.hasOwn(SERVER_CODES, code)) return SERVER_CODES[code]
  if (typeof name === 'string' && Object.hasOwn(DRIVER_ERRORS, name)) return DRIVER_ERRORS[name]
  const concern: unknown = Array.isArray(writeConcernErrors) ? writeConcernErrors[0] : undefined
  // If the server reported nothing about single updates of a bulk write, the response is the server's error.
  const inner = concern ?? cause ?? errorResponse
  return typeof inner === 'object' && inner !== null ? codeOf(inner) : undefined
}

/** The server's error code, if the server made the error. */
export function serverCode(error: unknown): number | undefined {
  const code: unknown = (error as Document | undefined)?.['code']
  return typeof code === 'number' ? code : undefined
}

/** Whether a document with this `_id` is stored already. Conflicts in other unique indexes do not count. */
export function isDuplicateId(error: unknown): boolean {
  if (serverCode(error) !== 11000) return false
  const { keyPattern } = error as Document
  return keyPattern === undefined || Object.hasOwn(keyPattern, '_id')
}

/** CommandNotFound */
const COMMAND_NOT_FOUND = 59

/** Whether the server has no such command. Nothing was executed. */
export function isUnknownCommand(error: unknown): boolean {
  return [error, (error as Error | undefined)?.cause].some((each) => serverCode(each) === COMMAND_NOT_FOUND)
}

/** Whether the driver refused to send the command: an operation cannot be BSON, the client encrypts fields, the server is too old. */
export function isNotSent(error: unknown): boolean {
  const name = (error as Error | undefined)?.name
  return name === 'MongoInvalidArgumentError' || name === 'MongoCompatibilityError'
}

/** The error of a bulk write that says which updates the server refused. @throws the coded error of one that failed as a whole */
export function refusalsOf(error: unknown): MongoClientBulkWriteError {
  const { cause, writeConcernErrors = [], writeErrors } = (error ?? {}) as Partial<MongoClientBulkWriteError>
  const isInPart = cause === undefined && writeErrors instanceof Map && writeErrors.size > 0 && writeConcernErrors.length === 0
  if (!isInPart) throw mongoError(error)
  return error as MongoClientBulkWriteError
}
