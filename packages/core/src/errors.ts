/** The code of every error that this family of packages makes. Codes are stable; messages may change. */
export type ErrorCode =
  /** An option is unknown or of the wrong kind (a `TypeError`). */
  | 'DATABANK_INVALID_OPTION'
  /** The session id is not a non-empty string. */
  | 'DATABANK_INVALID_ID'
  /** The session cannot be stored: no cookie, an expiry that is no date, a BigInt, a cycle, too large. */
  | 'DATABANK_INVALID_SESSION'
  /** The stored record is not a session, and must not be overwritten silently. */
  | 'DATABANK_INVALID_RECORD'
  /** The `merge` option threw, or returned no session; or the function that `update` was given threw. */
  | 'DATABANK_MERGE_FAILED'
  /** No answer within `timeout`; a write may or may not have happened. */
  | 'DATABANK_TIMEOUT'
  /** The backend cannot be reached, or is too busy to take more. */
  | 'DATABANK_UNAVAILABLE'
  /** The backend refuses access: credentials or rights. */
  | 'DATABANK_DENIED'
  /** The backend has no space left. */
  | 'DATABANK_FULL'
  /** The backend answered with any other error; see `cause`. */
  | 'DATABANK_BACKEND_FAILED'
  /** The store or bank was closed. */
  | 'DATABANK_CLOSED'
  /** The bank lacks the capability for this operation. */
  | 'DATABANK_NOT_SUPPORTED'
  /** No package serves URLs of this scheme. */
  | 'DATABANK_UNKNOWN_SCHEME'
  /** The package that serves this is not installed. */
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

/** Whether the error has one of these codes. It may come from another copy of this package, so its class is not checked. */
export function isCoded(error: unknown): error is Error & { code: ErrorCode } {
  return typeof error === 'object' && error !== null && 'code' in error && String(error.code).startsWith('DATABANK_')
}

/**
 * The error as callers of the store get it. An error with one of these codes is returned as it is; any other is wrapped with `code`, its own
 * message and itself as `cause`: express-session treats an error with the code `ENOENT` as a missing session.
 */
export function coded(error: unknown, code: ErrorCode = 'DATABANK_BACKEND_FAILED'): Error & { code: ErrorCode } {
  if (isCoded(error)) return error
  return new DatabankError(code, messageOf(error), { cause: error })
}

/** The error's message. Where tests run in a realm of their own (Jest), errors of Node.js are no instances of `Error`. */
export function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown }
  return typeof message === 'string' && message !== '' ? message : String(error)
}
