import { codeOfSystemError, type ErrorCode, errorMapper } from 'connect-databank/backend'

/** The codes for the server's error codes. Every error reply of Redis begins with one, in capitals. */
const CODES: readonly (readonly [ErrorCode, theirs: readonly string[]])[] = [
  ['DATABANK_DENIED', ['NOAUTH', 'WRONGPASS', 'NOPERM']],
  ['DATABANK_FULL', ['OOM']],
  [
    'DATABANK_UNAVAILABLE',
    ['READONLY', 'LOADING', 'BUSY', 'MASTERDOWN', 'NOREPLICAS', 'CLUSTERDOWN', 'TRYAGAIN', 'MOVED', 'ASK'],
  ],
  ['DATABANK_INVALID_RECORD', ['WRONGTYPE']],
]

/** Refusals that the server reports with a plain ERR. */
const DENIED = /invalid password|without any password|ACL failure in script|user executing the script can't run/
/** Redis 6.2 puts a text before the error of a script. */
const REPLY = /^(?:ERR Error running script .*@user_script: ?\d+: -?(?=[A-Z]{2,} ))?([A-Z]{2,}) /

/** The client's error with our code. An error that is not a reply of the server is a failure to reach it. */
export const redisError = errorMapper('Redis', (error) => {
  const code = replyCode(error)
  if (code === undefined) {
    // A wrong call. Node.js' errors of the network have class Error.
    if (error instanceof TypeError || error instanceof RangeError) return undefined
    return codeOfSystemError(error) ?? 'DATABANK_UNAVAILABLE'
  }
  if (code === 'ERR' && /max number of clients/.test(String(error.message))) return 'DATABANK_UNAVAILABLE'
  if (code === 'ERR' && DENIED.test(String(error.message))) return 'DATABANK_DENIED'
  return CODES.find(([, theirs]) => theirs.includes(code))?.[0] ?? 'DATABANK_BACKEND_FAILED'
})

/** The code that an error reply begins with; undefined if the server did not reply this error. */
export function replyCode(error: unknown): string | undefined {
  const { message } = (error ?? {}) as { message?: unknown }
  return typeof message === 'string' ? REPLY.exec(message)?.[1] : undefined
}
