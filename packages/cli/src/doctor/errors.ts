import { codeOfSystemError, DatabankError, isCoded } from 'connect-databank/backend'
import { messageOf } from './finding.ts'

/**
 * The error of a client that could not connect, with a code.
 *
 * @param denied matches the messages of a refusal
 */
export function errorFrom(database: string, error: unknown, denied: RegExp): Error {
  if (isCoded(error)) return error
  const message = messageOf(error)
  const code = denied.test(message) ? 'DATABANK_DENIED' : (codeOfSystemError(error) ?? 'DATABANK_UNAVAILABLE')
  return new DatabankError(code, `${database}: ${message}`, { cause: error })
}
