import { coded, DatabankError, type ErrorCode } from 'connect-databank'

/** What the server's error codes mean to us. */
const MEANING: ReadonlyMap<unknown, ErrorCode> = new Map<unknown, ErrorCode>([
  // Unauthorized, UserNotFound, AuthenticationFailed, MechanismUnavailable; AtlasError, which is how Atlas refuses credentials
  ...codes('DATABANK_DENIED', 13, 11, 18, 334, 8000),
  // MaxTimeMSExpired, NetworkTimeout, ExceededTimeLimit, WriteConcernFailed: the write is there, but not on enough members
  ...codes('DATABANK_TIMEOUT', 50, 89, 262, 64),
  // Out of disk space
  ...codes('DATABANK_FULL', 14031),
  // Documents too large or too deep
  ...codes('DATABANK_INVALID_SESSION', 10334, 17419, 17420, 15),
  // HostUnreachable, HostNotFound, ShutdownInProgress, PrimarySteppedDown, NotWritablePrimary, InterruptedAtShutdown,
  // InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary, SocketException, legacy not primary
  ...codes('DATABANK_UNAVAILABLE', 6, 7, 91, 189, 10107, 11600, 11602, 13435, 13436, 9001, 10058),
])

/** What the driver's own errors mean to us, by name: they may come from another copy of the driver than ours. */
const NAMED: ReadonlyMap<unknown, ErrorCode> = new Map<unknown, ErrorCode>([
  ...codes('DATABANK_TIMEOUT', 'MongoNetworkTimeoutError', 'MongoOperationTimeoutError'),
  ...codes('DATABANK_DENIED', 'MongoMissingCredentialsError'),
  ...codes('DATABANK_INVALID_SESSION', 'BSONError', 'BSONVersionError', 'RangeError'),
  ...codes('DATABANK_UNAVAILABLE', 'MongoServerSelectionError', 'MongoNetworkError', 'MongoWaitQueueTimeoutError'),
  ...codes('DATABANK_UNAVAILABLE', 'MongoPoolClearedError', 'MongoPoolClosedError', 'MongoServerClosedError'),
  ...codes('DATABANK_UNAVAILABLE', 'MongoTopologyClosedError', 'MongoNotConnectedError', 'MongoClientClosedError'),
  ...codes('DATABANK_UNAVAILABLE', 'PoolClearedOnNetworkError', 'MongoStalePrimaryError', 'MongoUnexpectedServerResponseError'),
])

/** What a socket's errors mean to us, by code: the driver passes on those of a connection that ends while it is written to. */
const OF_SOCKETS: ReadonlyMap<unknown, ErrorCode> = new Map<unknown, ErrorCode>(
  codes(
    'DATABANK_UNAVAILABLE',
    'EPIPE',
    'ECONNRESET',
    'ECONNREFUSED',
    'ECONNABORTED',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
  ),
)

function codes(meaning: ErrorCode, ...causes: readonly unknown[]): [unknown, ErrorCode][] {
  return causes.map((cause) => [cause, meaning])
}

/** What an error of the driver carries. */
interface DriverError {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly keyPattern?: Readonly<Record<string, unknown>>
}

/** What an error of the driver's carries that many updates got together. */
interface BulkError {
  /** The error that it was made of, if the server answered nothing of single updates. */
  readonly errorResponse?: unknown
  /** One or an array of them. */
  readonly writeErrors?: unknown
}

/** The server's error code, if it is an error of the server's. */
export function serverCode(error: unknown): number | undefined {
  const code = (error as DriverError | null)?.code
  return typeof code === 'number' ? code : undefined
}

/** The driver's error with the code that says what it means. */
export function failure(error: unknown): Error & { code: ErrorCode } {
  const { errorResponse } = (error ?? {}) as BulkError
  if (errorResponse instanceof Error) return failure(errorResponse)
  const { name, code, message } = (error ?? {}) as DriverError
  // Atlas says by one code that the password is wrong and that the disk is full.
  if (typeof message === 'string' && /space quota/.test(message)) return coded(error, 'DATABANK_FULL')
  return coded(error, MEANING.get(code) ?? NAMED.get(name) ?? OF_SOCKETS.get(code) ?? 'DATABANK_BACKEND_FAILED')
}

/** The server's codes of those of many updates that it refused, by their places. Where there are some, the others took place. */
export function refusedIn(error: unknown): ReadonlyMap<number, number> {
  const errors = [(error as BulkError | null)?.writeErrors ?? []].flat() as { index: number; code: number }[]
  return new Map(errors.map(({ index, code }) => [index, code]))
}

/** Whether a document with this `_id` is there already. Another unique index of the collection is another matter. */
export function isDuplicateId(error: unknown): boolean {
  if (serverCode(error) !== 11000) return false
  const { keyPattern } = error as DriverError
  return keyPattern === undefined || Object.hasOwn(keyPattern, '_id')
}

export function closed(): DatabankError {
  return new DatabankError('DATABANK_CLOSED', 'the MongoDB bank was closed')
}
