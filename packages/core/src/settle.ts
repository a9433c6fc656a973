/** How express-session and its users are answered. */
export type Callback<T = void> = (error?: unknown, value?: T) => void

/**
 * Hands a promise's outcome to a callback: exactly once, in the caller's async context, and off the promise chain, so that
 * what the callback throws is the process's uncaught exception, as from any callback, and neither an unhandled rejection nor
 * a second call. A missing callback is fine; a rejection is then swallowed, once `told` has heard of it.
 *
 * @param told makes the error that the callback gets, and may not throw. Default: the rejection as it is.
 */
export function settle<T>(
  promise: Promise<T>,
  callback: Callback<T> | undefined,
  told: (failure: unknown) => unknown = asItIs,
): void {
  if (typeof callback !== 'function') {
    promise.then(undefined, told)
    return
  }
  promise.then(
    (value) => process.nextTick(callback, null, value),
    (failure) => process.nextTick(callback, told(failure)),
  )
}

/** The same promise, which may also be left alone: a rejection that nobody looks at is no unhandled one. */
export function optional<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore)
  return promise
}

function ignore(): void {}

function asItIs(failure: unknown): unknown {
  return failure
}
