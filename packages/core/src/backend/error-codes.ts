import { DatabankError, type ErrorCode, isCoded, messageOf } from '../errors.ts'

/** Error codes of Node.js and the operating system, and what they mean to the caller of a store. */
const SYSTEM_CODES: Readonly<Record<string, ErrorCode>> = {
  // Name resolution: https://nodejs.org/api/dns.html#error-codes
  ENOTFOUND: 'DATABANK_UNAVAILABLE',
  ENODATA: 'DATABANK_UNAVAILABLE',
  ESERVFAIL: 'DATABANK_UNAVAILABLE',
  EREFUSED: 'DATABANK_UNAVAILABLE',
  ETIMEOUT: 'DATABANK_UNAVAILABLE',
  ECANCELLED: 'DATABANK_UNAVAILABLE',
  EBADRESP: 'DATABANK_UNAVAILABLE',
  EAI_AGAIN: 'DATABANK_UNAVAILABLE',
  EAI_FAIL: 'DATABANK_UNAVAILABLE',
  EAI_NODATA: 'DATABANK_UNAVAILABLE',
  EAI_NONAME: 'DATABANK_UNAVAILABLE',
  // The network: https://nodejs.org/api/errors.html#common-system-errors
  ECONNREFUSED: 'DATABANK_UNAVAILABLE',
  ECONNRESET: 'DATABANK_UNAVAILABLE',
  ECONNABORTED: 'DATABANK_UNAVAILABLE',
  ENOTCONN: 'DATABANK_UNAVAILABLE',
  EPIPE: 'DATABANK_UNAVAILABLE',
  ETIMEDOUT: 'DATABANK_UNAVAILABLE',
  EHOSTDOWN: 'DATABANK_UNAVAILABLE',
  EHOSTUNREACH: 'DATABANK_UNAVAILABLE',
  ENETDOWN: 'DATABANK_UNAVAILABLE',
  ENETRESET: 'DATABANK_UNAVAILABLE',
  ENETUNREACH: 'DATABANK_UNAVAILABLE',
  EADDRNOTAVAIL: 'DATABANK_UNAVAILABLE',
  ERR_SOCKET_CLOSED: 'DATABANK_UNAVAILABLE',
  ERR_SOCKET_CONNECTION_TIMEOUT: 'DATABANK_UNAVAILABLE',
  // Rights and room, of files and sockets.
  EACCES: 'DATABANK_DENIED',
  EPERM: 'DATABANK_DENIED',
  EROFS: 'DATABANK_DENIED',
  ENOSPC: 'DATABANK_FULL',
  EDQUOT: 'DATABANK_FULL',
  EFBIG: 'DATABANK_FULL',
}

/** How deep causes and the members of an `AggregateError` are searched. */
const DEEPEST_CAUSE = 5

/** The code for an error of Node.js or the operating system, also where it is the cause of the client's own error. */
export function codeOfSystemError(error: unknown, depth = 0): ErrorCode | undefined {
  if (typeof error !== 'object' || error === null || depth > DEEPEST_CAUSE) return undefined
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown }
  if (typeof code === 'string' && Object.hasOwn(SYSTEM_CODES, code)) return SYSTEM_CODES[code]
  const inner = Array.isArray(errors) ? [cause, ...errors.slice(0, 8)] : [cause]
  for (const each of inner) {
    const found = codeOfSystemError(each, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Makes the function that turns a database's errors into ours. An error that carries one of our codes is returned as it is;
 * else `codeOf` decides, then the table of system errors, then it is `DATABANK_BACKEND_FAILED`. The message and the `cause` are
 * the database's own.
 */
export function errorMapper(
  database: string,
  codeOf: (error: { readonly name?: unknown; readonly code?: unknown; readonly message?: unknown }) => ErrorCode | undefined,
): (error: unknown) => Error & { code: ErrorCode } {
  return (error) => {
    if (isCoded(error)) return error
    const isObject = typeof error === 'object' && error !== null
    const code = (isObject ? codeOf(error) : undefined) ?? codeOfSystemError(error) ?? 'DATABANK_BACKEND_FAILED'
    return new DatabankError(code, `${database}: ${messageOf(error)}`, { cause: error })
  }
}

/** The error of every operation on a closed bank. */
export function closedError(bank: string): DatabankError {
  return new DatabankError('DATABANK_CLOSED', `${bank} was closed`)
}
