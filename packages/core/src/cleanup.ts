import { setBackgroundTimeout } from './backend/timers.ts'

/** The longest delay that a timer takes; a longer one would end at once. */
const LONGEST_DELAY = 2 ** 31 - 1

/**
 * Runs a clean-up again and again: first at a random moment of the first interval, since several processes share a database, then an
 * interval after the last one has ended, so that they never overlap. Does not keep the process alive.
 */
export class CleanupTimer {
  readonly #run: () => Promise<unknown>
  readonly #interval: number
  #timer: ReturnType<typeof setTimeout> | undefined
  #isStopped = false

  /** @param interval between two clean-ups, in milliseconds */
  constructor(interval: number, run: () => Promise<unknown>) {
    this.#run = run
    this.#interval = interval
    this.#wait(Math.random() * interval)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  #wait(delay: number): void {
    if (this.#isStopped) return
    const again = (): void => this.#wait(this.#interval)
    const end = (): void => {
      if (delay > LONGEST_DELAY) this.#wait(delay - LONGEST_DELAY)
      else this.#run().then(again, again)
    }
    this.#timer = setBackgroundTimeout(end, Math.min(delay, LONGEST_DELAY))
  }
}
