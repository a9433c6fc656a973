import { channel, tracingChannel } from 'node:diagnostics_channel'
import { coded, type ErrorCode } from './errors.ts'
import { ignore } from './operation.ts'

/**
 * What the store publishes on `node:diagnostics_channel`. It costs nothing as long as nobody subscribes. No message has a session id, an
 * owner or session data.
 */

/** A message of the tracing channel `connect-databank:operation`: start, end, asyncStart, asyncEnd and error of each operation. */
export interface OperationMessage {
  /** Such as `get`, `set`, `touch`, `destroy`. */
  readonly operation: string
  /** The bank's name, such as `redis`; `unknown` if it has none. */
  readonly backend: string
  /** At the end: `missing` if `get` found no session, else `ok`. */
  readonly result?: 'ok' | 'missing'
  /** Instead of a result: an error with a code. */
  readonly error?: Error & { code: ErrorCode }
}

/** A message of the channel `connect-databank:event`. */
export interface EventMessage {
  readonly event: 'conflict' | 'dropped' | 'corrupt' | 'timeout' | 'retry'
  readonly backend: string
}

/** Ask `hasSubscribers` before `traced`. */
export const operations = tracingChannel<OperationMessage>('connect-databank:operation')
const events = channel('connect-databank:event')

/** Runs the operation, and publishes it. */
export function traced<T>(operation: string, backend: string, work: () => Promise<T>): Promise<T> {
  let result: Promise<T> | undefined
  const outcome = (): Promise<OperationMessage['result']> => {
    result = work()
    return result.then(
      (value) => (value === null ? 'missing' : 'ok'),
      (error) => {
        throw coded(error)
      },
    )
  }
  operations.tracePromise(outcome, { operation, backend }).catch(ignore)
  return result!
}

export function publishEvent(event: EventMessage['event'], backend: string): void {
  if (events.hasSubscribers) events.publish({ event, backend } satisfies EventMessage)
}
