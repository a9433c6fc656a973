// Imported, because Jest's jsdom environment has no global setImmediate.
import { setImmediate } from 'node:timers'

/** How long work on many entries may block the event loop, in milliseconds. */
const SLICE = 4

/** Lets other work run when long work has used up its time slice. */
export class TimeSlice {
  #end = performance.now() + SLICE

  isUsedUp(): boolean {
    return performance.now() > this.#end
  }

  /** Waits for the next turn of the event loop, and begins a new slice. */
  async yield(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#end = performance.now() + SLICE
  }
}

/**
 * One time slice for all operations of a bank whose calls are synchronous: a turn of the event loop starts operations until
 * the slice is used up. The others wait for the next turns, in their order.
 */
export class SharedTimeSlice {
  readonly #waiting: (() => void)[] = []
  #isServing = false
  /** When the slice of this turn began; undefined: no operation has run in this turn. */
  #began: number | undefined

  /** Whether an operation may start at once. */
  isFree(): boolean {
    return this.#waiting.length === 0 && this.#hasTime()
  }

  /** Returns undefined if an operation may start at once, else a promise that resolves when it may. */
  wait(): Promise<void> | undefined {
    if (this.isFree()) return undefined
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      if (!this.#isServing) void this.#serve()
    })
  }

  async #serve(): Promise<void> {
    this.#isServing = true
    while (this.#waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve))
      while (this.#waiting.length > 0 && this.#hasTime()) {
        this.#waiting.shift()!()
        // The started operation runs before this continues, so the clock includes its work.
        await undefined
        await undefined
      }
    }
    this.#isServing = false
  }

  #hasTime(): boolean {
    const now = performance.now()
    if (this.#began !== undefined) return now - this.#began < SLICE
    this.#began = now
    setImmediate(() => {
      this.#began = undefined
    })
    return true
  }
}
