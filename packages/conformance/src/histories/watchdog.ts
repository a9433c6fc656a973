import { deferred } from '../gate.ts'
import type { History } from './history.ts'

/** Waits for a store's results as long as some come. */
export class Watchdog {
  /** Whether nothing has happened for so long that nothing will. */
  isOver = false
  readonly #limit: number
  readonly #history: History
  readonly #over = deferred()
  #timer: NodeJS.Timeout | undefined

  /** @param limit milliseconds without any event */
  constructor(limit: number, history: History) {
    this.#limit = limit
    this.#history = history
    this.#watch(history.tick)
  }

  /** Waits until the promise settles, or the limit is reached. */
  async until(promise: Promise<unknown>): Promise<void> {
    await Promise.race([promise, this.#over.promise])
  }

  /** Waits until anything has changed, or the limit is reached. */
  async untilChange(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#history.onChange = resolve
    })
    await consequences()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #watch(tick: number): void {
    this.#timer = setTimeout(async () => {
      // On a busy machine there may be results that this process had no time to process.
      await consequences()
      if (this.#history.tick !== tick) return this.#watch(this.#history.tick)
      this.isOver = true
      this.#over.resolve()
      this.#history.onChange()
    }, this.#limit)
  }
}

/** Waits for all consequences of the last event: callbacks run in microtasks and ticks. */
export function consequences(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
