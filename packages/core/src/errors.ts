/**
 * Every error that this family of packages makes carries a `code`. Codes are stable; messages may change.
 *
 * | code | meaning |
 * |---|---|
 * | `DATABANK_INVALID_OPTION` | an option is unknown or of the wrong kind (a `TypeError`) |
 * | `DATABANK_INVALID_ID` | the session id is no non-empty string |
 * | `DATABANK_INVALID_SESSION` | the session cannot be stored: no cookie, a date that is none, a BigInt, a cycle, too large |
 * | `DATABANK_INVALID_RECORD` | what is stored cannot be served and must not be overwritten in silence |
 * | `DATABANK_MERGE_FAILED` | the `merge` option threw or gave no session |
 * | `DATABANK_TIMEOUT` | no answer within `timeout`; a write may or may not have happened |
 * | `DATABANK_UNAVAILABLE` | the backend cannot be reached, or is too busy to take more |
 * | `DATABANK_DENIED` | the backend refuses us: credentials or rights |
 * | `DATABANK_FULL` | the backend has no room left |
 * | `DATABANK_BACKEND_FAILED` | the backend answered with any other error; see `cause` |
 * | `DATABANK_CLOSED` | the store or bank was closed |
 * | `DATABANK_NOT_SUPPORTED` | the bank lacks the capability that this needs |
 * | `DATABANK_UNKNOWN_SCHEME` | no package serves URLs of this scheme |
 * | `DATABANK_MISSING_PACKAGE` | the package that serves this is not installed |
 */
export type ErrorCode =
  | 'DATABANK_INVALID_OPTION'
  | 'DATABANK_INVALID_ID'
  | 'DATABANK_INVALID_SESSION'
  | 'DATABANK_INVALID_RECORD'
  | 'DATABANK_MERGE_FAILED'
  | 'DATABANK_TIMEOUT'
  | 'DATABANK_UNAVAILABLE'
  | 'DATABANK_DENIED'
  | 'DATABANK_FULL'
  | 'DATABANK_BACKEND_FAILED'
  | 'DATABANK_CLOSED'
  | 'DATABANK_NOT_SUPPORTED'
  | 'DATABANK_UNKNOWN_SCHEME'
  | 'DATABANK_MISSING_PACKAGE'

/** An error with a stable `code`; `cause` is the backend's own error, where there is one. */
export class DatabankError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DatabankError'
    this.code = code
  }
}

/** A wrong call by the programmer: a `TypeError` with the code `DATABANK_INVALID_OPTION`. */
export function invalidOption(message: string): TypeError & { code: 'DATABANK_INVALID_OPTION' } {
  return Object.assign(new TypeError(message), { code: 'DATABANK_INVALID_OPTION' as const })
}

/** Whether the error carries one of our codes. It may come from another copy of this package, so its class is not asked. */
export function isCoded(error: unknown): error is Error & { code: ErrorCode } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('DATABANK_')
}

/**
 * The error as the store's callers get it. One that carries our code passes; any other is wrapped with `code`, its own
 * message kept and itself as `cause`. It never passes as it is: express-session takes an `ENOENT` for a missing session.
 */
export function coded(error: unknown, code: ErrorCode = 'DATABANK_BACKEND_FAILED'): Error & { code: ErrorCode } {
  if (isCoded(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  return new DatabankError(code, message, { cause: error })
}
