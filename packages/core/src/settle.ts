/** How express-session and its users are answered. */
export type Callback<T = void> = (error?: unknown, value?: T) => void

/**
 * Hands a promise's outcome to a callback: exactly once, in the caller's async context, and off the promise chain, so that
 * what the callback throws is the process's uncaught exception, as from any callback, and neither an unhandled rejection nor
 * a second call. A missing callback is fine; a rejection is then swallowed, once `told` has heard of it.
 *
 * @param give makes of the outcome what the callback gets, right before that is called: of many answers that came at once, what is
 *   made of one is used, and garbage, before the next is made
 * @param told makes the error that the callback gets, and may not throw
 */
export function settle<T, Value>(
  promise: Promise<T>,
  callback: Callback<Value> | undefined,
  give: (outcome: T) => Value,
  told: (failure: unknown) => unknown = asItIs,
): void {
  if (typeof callback !== 'function') {
    promise.then(give).then(undefined, told)
    return
  }
  promise.then(
    (outcome) => process.nextTick(deliver<T, Value>, outcome, callback, give, told),
    (failure) => process.nextTick(callback, told(failure)),
  )
}

function deliver<T, Value>(
  outcome: T,
  callback: Callback<Value>,
  give: (outcome: T) => Value,
  told: (failure: unknown) => unknown,
): void {
  let value: Value
  try {
    value = give(outcome)
  } catch (failure) {
    callback(told(failure))
    return
  }
  callback(null, value)
}

/** The same promise, which may also be left alone: a rejection that nobody looks at is no unhandled one. */
export function optional<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore)
  return promise
}

function ignore(): void {}

/** An outcome that needs no work. */
export function asItIs<T>(outcome: T): T {
  return outcome
}
