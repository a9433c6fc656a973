import { DatabankError, type ErrorCode, isCoded, messageOf } from '../errors.ts'

/** The codes for errors of Node.js and the operating system. */
const MEANINGS: readonly (readonly [ErrorCode, systemCodes: string])[] = [
  // Name resolution: https://nodejs.org/api/dns.html#error-codes
  ['DATABANK_UNAVAILABLE', 'ENOTFOUND ENODATA ESERVFAIL EREFUSED ETIMEOUT ECANCELLED EBADRESP'],
  ['DATABANK_UNAVAILABLE', 'EAI_AGAIN EAI_FAIL EAI_NODATA EAI_NONAME'],
  // The network: https://nodejs.org/api/errors.html#common-system-errors
  ['DATABANK_UNAVAILABLE', 'ECONNREFUSED ECONNRESET ECONNABORTED ENOTCONN EPIPE ETIMEDOUT EADDRNOTAVAIL'],
  ['DATABANK_UNAVAILABLE', 'EHOSTDOWN EHOSTUNREACH ENETDOWN ENETRESET ENETUNREACH'],
  ['DATABANK_UNAVAILABLE', 'ERR_SOCKET_CLOSED ERR_SOCKET_CONNECTION_TIMEOUT'],
  // Rights and space, of files and sockets.
  ['DATABANK_DENIED', 'EACCES EPERM EROFS'],
  ['DATABANK_FULL', 'ENOSPC EDQUOT EFBIG'],
]
const CODES = new Map<unknown, ErrorCode>(
  MEANINGS.flatMap(([code, systemCodes]) => systemCodes.split(' ').map((systemCode) => [systemCode, code])),
)

/** How deep causes and the members of an `AggregateError` are searched. */
const DEEPEST_CAUSE = 5

/** The code for an error of Node.js or the operating system, also where it is the cause of the client's own error. */
export function codeOfSystemError(error: unknown, depth = 0): ErrorCode | undefined {
  if (typeof error !== 'object' || error === null || depth > DEEPEST_CAUSE) return undefined
  const { code, syscall, cause, errors } = error as { code?: unknown; syscall?: unknown; cause?: unknown; errors?: unknown }
  // A server that is down has no Unix socket. Of a file, ENOENT says something else.
  const own = code === 'ENOENT' && syscall === 'connect' ? 'DATABANK_UNAVAILABLE' : CODES.get(code)
  if (own !== undefined) return own
  for (const each of [cause, ...(Array.isArray(errors) ? errors.slice(0, 8) : [])]) {
    const found = codeOfSystemError(each, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Makes the function that turns a database's errors into ours. An error with one of our codes is returned unchanged.
 * Otherwise `codeOf` decides, then the table of system errors, then it is `DATABANK_BACKEND_FAILED`. The message and the `cause` are
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
