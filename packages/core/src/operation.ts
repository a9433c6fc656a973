// Imported, because Jest's jsdom environment has no global setImmediate.
import { setImmediate } from 'node:timers'
import { setBackgroundInterval } from './backend/timers.ts'
import { DatabankError } from './errors.ts'

/** How express-session and its users are called back. */
export type Callback<T = void> = (error?: unknown, value?: T) => void

/** Shared with work under way: whether its caller has already got a time-out. */
export interface Cancellation {
  isCancelled: boolean
}

/** @throws DATABANK_TIMEOUT if the work was cancelled */
export function throwIfCancelled({ isCancelled }: Cancellation, operation: string): void {
  if (isCancelled) throw new DatabankError('DATABANK_TIMEOUT', `${operation}: cancelled, since its time was over`)
}

/**
 * Delivers a promise's result to a callback: exactly once, and outside the promise chain, so that an error which the callback throws
 * is an uncaught exception, as with every callback. Success without a value passes one argument.
 *
 * @param map makes the value from the result right before the callback, so that many results are decoded one at a time
 * @param mapError makes the callback's error from the reason, and does not throw
 */
export function deliver<T, Value>(
  promise: Promise<T>,
  callback: (error?: unknown, value?: Value) => void,
  map: (result: T) => Value,
  mapError: (reason: unknown) => Error,
): void {
  promise.then(
    (result) => process.nextTick(deliverResult<T, Value>, result, callback, map, mapError),
    (reason) => process.nextTick(callback, mapError(reason)),
  )
}

function deliverResult<T, Value>(
  result: T,
  callback: (error?: unknown, value?: Value) => void,
  map: (result: T) => Value,
  mapError: (reason: unknown) => Error,
): void {
  let value: Value
  try {
    value = map(result)
  } catch (reason) {
    callback(mapError(reason))
    return
  }
  if (value === undefined) callback(null)
  else callback(null, value)
}

/** The same result as a promise. If the caller ignores its rejection, there is no unhandled rejection. */
export function promised<T, Value>(
  promise: Promise<T>,
  map: (result: T) => Value,
  mapError: (reason: unknown) => Error,
): Promise<Value> {
  const mapped = promise.then(map).catch((reason) => {
    throw mapError(reason)
  })
  mapped.catch(ignore)
  return mapped
}

/** The real function, even if a test replaces it later. */
const onNextTurn = setImmediate
let nextTurn: Promise<void> | undefined

/** Resolves in the next turn of the event loop. All answers of a turn share an immediate, which costs more than a promise. */
export function inNextTurn<T>(value: T): Promise<T> {
  nextTurn ??= new Promise((resolve) => {
    onNextTurn(() => {
      nextTurn = undefined
      resolve()
    })
  })
  return nextTurn.then(() => value)
}

export function ignore(): void {}

export function identity<T>(value: T): T {
  return value
}

/** An operation under way, linked into the list of all. */
interface Waiting {
  readonly operation: string
  readonly startedAt: number
  readonly reject: (error: Error) => void
  /** Is set at the deadline. */
  readonly cancellation: Cancellation | undefined
  previous: Waiting
  next: Waiting
}

/** Deadlines are checked this often during one time-out, so that one is late by at most one tick. */
const TICKS_PER_TIMEOUT = 16
const LONGEST_DELAY = 2 ** 31 - 1

/**
 * The deadlines of all operations with the same time-out, under one timer: a timer for each operation costs more than most
 * operations. All have the same time-out, so the list is in the order of their deadlines, and only its head is checked.
 */
export class Deadlines {
  readonly #timeout: number
  readonly #list: Waiting
  #tick = 0
  #timer: ReturnType<typeof setInterval> | undefined
  #onIdle: (() => void)[] = []

  /** @param timeout in milliseconds */
  constructor(timeout: number) {
    this.#timeout = timeout
    const list = { operation: '', startedAt: 0, reject: ignore, cancellation: undefined } as unknown as Waiting
    list.previous = list
    list.next = list
    this.#list = list
  }

  /**
   * The promise's result after `next`, or a rejection with DATABANK_TIMEOUT at the deadline. `next` runs only for a result in time;
   * if it returns a promise, the same deadline holds for that.
   *
   * @param cancellation is set at the deadline
   */
  limit<T, Next = T>(
    promise: Promise<T>,
    operation: string,
    next: (value: T) => Next | Promise<Next> = identity as never,
    cancellation?: Cancellation,
  ): Promise<Next> {
    return new Promise((resolve, reject) => {
      const waiting = this.#add(operation, reject, cancellation)
      const succeed = (value: Next): void => {
        this.#end(waiting)
        resolve(value)
      }
      const fail = (error: unknown): void => {
        this.#end(waiting)
        reject(error)
      }
      promise.then((value) => {
        if (waiting.next === waiting) return
        try {
          const following = next(value)
          if (following instanceof Promise) following.then(succeed, fail)
          else succeed(following)
        } catch (error) {
          fail(error)
        }
      }, fail)
    })
  }

  /** Resolves when every operation under way has ended or timed out. */
  idle(): Promise<void> {
    return this.#list.next === this.#list ? Promise.resolve() : new Promise((resolve) => this.#onIdle.push(resolve))
  }

  #add(operation: string, reject: (error: Error) => void, cancellation: Cancellation | undefined): Waiting {
    const last = this.#list.previous
    const waiting: Waiting = { operation, startedAt: this.#tick, reject, cancellation, previous: last, next: this.#list }
    last.next = waiting
    this.#list.previous = waiting
    this.#timer ??= setBackgroundInterval(() => this.#onTick(), Math.min(this.#timeout / TICKS_PER_TIMEOUT, LONGEST_DELAY))
    return waiting
  }

  #end(waiting: Waiting): void {
    unlink(waiting)
    if (this.#onIdle.length > 0) this.#tellIdle()
  }

  #onTick(): void {
    this.#tick++
    const list = this.#list
    // One tick more than the time-out has: an operation may have begun just before a tick.
    while (list.next !== list && this.#tick - list.next.startedAt > TICKS_PER_TIMEOUT) {
      const overdue = list.next
      unlink(overdue)
      this.#expire(overdue)
    }
    if (list.next !== list) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#tellIdle()
  }

  #expire({ operation, reject, cancellation }: Waiting): void {
    if (cancellation !== undefined) cancellation.isCancelled = true
    reject(new DatabankError('DATABANK_TIMEOUT', `${operation}: no answer within ${this.#timeout} ms`))
  }

  #tellIdle(): void {
    if (this.#list.next !== this.#list) return
    const waiting = this.#onIdle
    this.#onIdle = []
    for (const resolve of waiting) resolve()
  }
}

/** Removes it from the list; a second time has no effect. */
function unlink(waiting: Waiting): void {
  waiting.previous.next = waiting.next
  waiting.next.previous = waiting.previous
  waiting.previous = waiting
  waiting.next = waiting
}
