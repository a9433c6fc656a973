import { coded, DatabankError, type ErrorCode } from 'connect-databank'

/** What the server's error codes mean to us. Redis begins every error reply with one, in capitals. */
const MEANING: Readonly<Record<string, ErrorCode>> = {
  NOAUTH: 'DATABANK_DENIED',
  WRONGPASS: 'DATABANK_DENIED',
  NOPERM: 'DATABANK_DENIED',
  OOM: 'DATABANK_FULL',
  READONLY: 'DATABANK_UNAVAILABLE',
  LOADING: 'DATABANK_UNAVAILABLE',
  BUSY: 'DATABANK_UNAVAILABLE',
  MASTERDOWN: 'DATABANK_UNAVAILABLE',
  NOREPLICAS: 'DATABANK_UNAVAILABLE',
  CLUSTERDOWN: 'DATABANK_UNAVAILABLE',
  TRYAGAIN: 'DATABANK_UNAVAILABLE',
  MOVED: 'DATABANK_UNAVAILABLE',
  ASK: 'DATABANK_UNAVAILABLE',
  WRONGTYPE: 'DATABANK_INVALID_RECORD',
}

/** Refusals that the server tells with a plain ERR. */
const DENIED = /invalid password|without any password|ACL failure in script|user executing the script can't run/
/** The same of a server that has enough to do. */
const TOO_BUSY = /max number of clients/

/**
 * The code that an error reply of the server begins with; undefined if the error is none of the server's. Redis 6.2 puts what a
 * script met behind words of its own.
 */
export function replyCode(error: unknown): string | undefined {
  return error instanceof Error ? REPLY.exec(error.message)?.[1] : undefined
}
const REPLY = /^(?:ERR Error running script .*@user_script: ?\d+: -?(?=[A-Z]{2,} ))?([A-Z]{2,}) /

/** The client's error with the code that says what it means: what the server did not say is a failure to reach it. */
export function failure(error: unknown): Error & { code: ErrorCode } {
  const code = replyCode(error)
  if (code === undefined) return coded(error, isMistake(error) ? 'DATABANK_BACKEND_FAILED' : 'DATABANK_UNAVAILABLE')
  if (code === 'ERR' && TOO_BUSY.test(String(error))) return coded(error, 'DATABANK_UNAVAILABLE')
  if (code === 'ERR' && DENIED.test(String(error))) return coded(error, 'DATABANK_DENIED')
  return coded(error, Object.hasOwn(MEANING, code) ? MEANING[code] : 'DATABANK_BACKEND_FAILED')
}

/** Whether a failed command failed by this error of the server. */
export function isServerError(error: unknown, pattern: RegExp): boolean {
  const { cause } = error as Error
  return replyCode(cause) === 'ERR' && pattern.test(String(cause))
}

/** An error that tells of a wrong call, not of the network: Node's errors of the network have class Error. */
function isMistake(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError
}

export function closed(): DatabankError {
  return new DatabankError('DATABANK_CLOSED', 'the Redis bank was closed')
}
