import { channel, tracingChannel } from 'node:diagnostics_channel'
import { coded, type ErrorCode } from './errors.ts'
import type { StoreEvents } from './log.ts'
import { ignore } from './operation.ts'

/**
 * The messages of the store on `node:diagnostics_channel`. They cost nothing without subscribers. No message has a session id, an
 * owner or session data.
 */

/** A message of the tracing channel `connect-databank:operation`: start, end, asyncStart, asyncEnd and error of each operation. */
export interface OperationMessage {
  /** Such as `get`, `set`, `touch`, `destroy`. */
  readonly operation: string
  /** The bank's name, such as `redis`; `unknown` if it has none. */
  readonly backend: string
  /** At the end. `missing`: there was no live record. `dropped`: the session had ended before a `set`, which was not stored. */
  readonly result?: 'ok' | 'missing' | 'dropped'
  /** In place of a result: an error with a code. */
  readonly error?: Error & { code: ErrorCode }
  /**
   * A subscriber of `start` may set it: the operation runs inside, for example in the context of a span. It calls `work` once, and
   * returns its result.
   */
  run?: <T>(work: () => T) => T
}

/**
 * A message of the channel `connect-databank:event`. `retry`: a compare-and-swap found another version, and is tried again. `cached`:
 * the near cache answered a read. The others are the events of the store.
 */
export interface EventMessage {
  readonly event: keyof StoreEvents | 'retry' | 'cached'
  /** As in `OperationMessage`. */
  readonly backend: string
}

/** Check `hasSubscribers` before a call of `traced`. */
export const operations = tracingChannel<OperationMessage>('connect-databank:operation')
const events = channel('connect-databank:event')

/** Runs the operation, and publishes it. */
export function traced<T>(operation: string, backend: string, work: () => Promise<T>): Promise<T> {
  const message: OperationMessage = { operation, backend }
  let result: Promise<T> | undefined
  const outcome = (): Promise<OperationMessage['result']> => {
    result = message.run === undefined ? work() : message.run(work)
    return result.then(
      (value) => resultOf(operation, value),
      (error) => {
        throw coded(error)
      },
    )
  }
  operations.tracePromise(outcome, message).catch(ignore)
  return result!
}

/** The operations return null or false if there was no session. */
function resultOf(operation: string, value: unknown): OperationMessage['result'] {
  if (value !== null && value !== false) return 'ok'
  return operation === 'set' ? 'dropped' : 'missing'
}

/** @param backend the bank's name */
export function publishEvent(event: EventMessage['event'], backend = 'unknown'): void {
  if (events.hasSubscribers) events.publish({ event, backend } satisfies EventMessage)
}
