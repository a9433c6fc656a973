import { DatabankError } from './errors.ts'
import { asItIs } from './settle.ts'

/** Work that must not go on when its caller was told that there was no answer in time. */
export interface Task {
  isGivenUp: boolean
}

/** @throws DATABANK_TIMEOUT if the task was given up: whoever comes next may have begun by now */
export function requireInTime({ isGivenUp }: Task, what: string): void {
  if (isGivenUp) throw new DatabankError('DATABANK_TIMEOUT', `${what}: it was given up`)
}

/** One operation under way, as a link of the list of all. */
interface Waiting {
  readonly startedAt: number
  readonly expire: () => void
  previous: Waiting
  next: Waiting
}

/** A clock tick is this part of the time-out, so a deadline comes at most that much late. */
const ticksPerTimeout = 16

/**
 * The deadlines of all operations that share one time-out, under a single coarse timer: a timer an operation costs more than
 * most operations do. All wait equally long, so a list in order of start is in order of death, and only its head is looked at.
 */
export class Deadlines {
  readonly #timeout: number
  readonly #list: Waiting
  #tick = 0
  #timer: NodeJS.Timeout | undefined
  /** To be called when nothing is under way any more. */
  #onIdle: (() => void) | undefined

  /** @param timeout milliseconds */
  constructor(timeout: number) {
    this.#timeout = timeout
    const list = { startedAt: 0, expire: () => undefined } as unknown as Waiting
    list.previous = list
    list.next = list
    this.#list = list
  }

  /** The promise, or a rejection with DATABANK_TIMEOUT when it is not settled by the deadline. */
  limit<T>(promise: Promise<T>, what: string): Promise<T> {
    return this.limitThen(promise, what, asItIs)
  }

  /**
   * The same, and what becomes of an answer in time: `next` of it. One promise less than with `then`. If that is a promise, it has
   * what is left of the time.
   *
   * @param task is told when it was given up
   */
  limitThen<T, Next>(promise: Promise<T>, what: string, next: (value: T) => Next | Promise<Next>, task?: Task): Promise<Next> {
    return new Promise((resolve, reject) => {
      const waiting = this.#add(() => {
        if (task !== undefined) task.isGivenUp = true
        reject(new DatabankError('DATABANK_TIMEOUT', `${what}: no answer within ${this.#timeout} ms`))
      })
      const fail = (error: unknown): void => {
        this.#end(waiting)
        reject(error)
      }
      promise.then((value) => {
        if (isOut(waiting)) return
        try {
          const last = next(value)
          if (last instanceof Promise) {
            last.then((late: Next) => {
              this.#end(waiting)
              resolve(late)
            }, fail)
            return
          }
          this.#end(waiting)
          resolve(last)
        } catch (error) {
          fail(error)
        }
      }, fail)
    })
  }

  /** Ends when everything that is under way has, or was given up. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#onIdle
      this.#onIdle = () => {
        before?.()
        resolve()
      }
      this.#tellIdle()
    })
  }

  #end(waiting: Waiting): void {
    remove(waiting)
    if (this.#onIdle !== undefined) this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.#list.next !== this.#list) return
    this.#onIdle?.()
    this.#onIdle = undefined
  }

  #add(expire: () => void): Waiting {
    const last = this.#list.previous
    const waiting: Waiting = { startedAt: this.#tick, expire, previous: last, next: this.#list }
    last.next = waiting
    this.#list.previous = waiting
    this.#timer ??= setInterval(() => this.#onTick(), Math.min(this.#timeout / ticksPerTimeout, 2 ** 31 - 1)).unref()
    return waiting
  }

  #onTick(): void {
    this.#tick++
    const list = this.#list
    // One tick more than the time-out has: an operation may have begun just before a tick.
    while (list.next !== list && this.#tick - list.next.startedAt > ticksPerTimeout) {
      const overdue = list.next
      remove(overdue)
      overdue.expire()
    }
    if (list.next === list) {
      clearInterval(this.#timer)
      this.#timer = undefined
      this.#tellIdle()
    }
  }
}

function isOut(waiting: Waiting): boolean {
  return waiting.next === waiting
}

/** Takes the link out; harmless when it is out already. */
function remove(waiting: Waiting): void {
  waiting.previous.next = waiting.next
  waiting.next.previous = waiting.previous
  waiting.previous = waiting
  waiting.next = waiting
}
