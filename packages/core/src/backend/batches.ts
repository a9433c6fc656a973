// Imported, because Jest's jsdom environment has no global setImmediate.
import { setImmediate } from 'node:timers'
import { setBackgroundTimeout } from './timers.ts'

/** After this many milliseconds a batch no longer delays others: it may hang, or the database may be far away. */
const MAX_WAIT = 4
/** While a batch is under way, fewer items than this wait. Two small batches side by side cost more than one. */
const MIN_BATCH = 16
/** How many items one batch may hold. */
const MAX_BATCH = 128
/** How many batches may be under way at once. */
const MAX_IN_FLIGHT = 4
/** If no batch was faster than this, in milliseconds, the server is far away: waiting for an answer costs more than another batch. */
const FAR = 0.8

/** The weight of an item, and the greatest weight of a batch. A heavier item is sent alone. */
export interface BatchLimits<Item> {
  readonly weightOf: (item: Item) => number
  readonly weight: number
}

export const UNLIMITED: BatchLimits<unknown> = { weightOf: () => 0, weight: Infinity }

/**
 * Sends items in batches: the items of one callback of the event loop, and the items that arrive while a batch is under way. A single
 * item on an idle connection is sent at the end of the callback. If the server is far away, items wait only while four batches are
 * under way.
 */
export class Batches<Item> {
  readonly #send: (items: readonly Item[]) => Promise<unknown>
  readonly #limits: BatchLimits<Item>
  #waiting: Item[] = []
  #inFlight = 0
  /** Incremented when batches under way stop counting, so that their end is not counted later. */
  #epoch = 0
  #isScheduled = false
  /** How long the fastest batch took, in milliseconds. Load makes batches slower, but none is faster than the distance allows. */
  #fastest: number | undefined
  #waitTimer: ReturnType<typeof setTimeout> | undefined

  constructor(send: (items: readonly Item[]) => Promise<unknown>, limits: BatchLimits<Item> = UNLIMITED) {
    this.#send = send
    this.#limits = limits
  }

  add(item: Item): void {
    this.#waiting.push(item)
    if (this.#canDispatch()) this.#schedule()
    else this.#waitTimer ??= this.#startWaitTimer()
  }

  isWaiting(predicate: (item: Item) => boolean): boolean {
    return this.#waiting.some(predicate)
  }

  /** Sends all waiting items now. */
  flush(): void {
    while (this.#waiting.length > 0) this.#dispatch(this.#take())
    this.#stopWaitTimer()
  }

  #canDispatch(): boolean {
    if (this.#inFlight === 0) return true
    const isFar = this.#fastest !== undefined && this.#fastest > FAR
    return this.#inFlight < MAX_IN_FLIGHT && (isFar || this.#waiting.length >= MIN_BATCH)
  }

  #dispatchIfPossible(): void {
    if (this.#canDispatch()) {
      while (this.#waiting.length > 0 && this.#canDispatch()) this.#dispatch(this.#take())
      this.#stopWaitTimer()
    }
    if (this.#waiting.length > 0) this.#waitTimer ??= this.#startWaitTimer()
  }

  /** Sends at the end of this callback of the event loop, because a client sends all commands of one callback in one packet. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    process.nextTick(() => {
      this.#isScheduled = false
      this.#dispatchIfPossible()
    })
  }

  #startWaitTimer(): ReturnType<typeof setTimeout> {
    const end = (): void => {
      if (this.#waitTimer !== timer) return
      this.#epoch += 1
      this.#inFlight = 0
      this.#dispatchIfPossible()
    }
    // After a busy loop, replies that have arrived are handled before the wait ends.
    const timer = setBackgroundTimeout(() => setImmediate(end), MAX_WAIT)
    return timer
  }

  #stopWaitTimer(): void {
    clearTimeout(this.#waitTimer)
    this.#waitTimer = undefined
  }

  #take(): Item[] {
    const { weightOf, weight } = this.#limits
    let count = 0
    let sum = 0
    for (const item of this.#waiting) {
      sum += weightOf(item)
      if (count === MAX_BATCH || (count > 0 && sum > weight)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  #dispatch(items: readonly Item[]): void {
    const epoch = this.#epoch
    const start = performance.now()
    const end = (): void => {
      this.#fastest = Math.min(performance.now() - start, this.#fastest ?? Infinity)
      if (epoch !== this.#epoch) return
      this.#inFlight -= 1
      if (this.#waiting.length > 0) this.#schedule()
    }
    this.#inFlight += 1
    this.#send(items).then(end, end)
  }
}
