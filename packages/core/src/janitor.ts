/** The longest delay that a timer takes; a longer one would fire at once. */
const longestDelay = 2 ** 31 - 1

/**
 * Runs a clean-up again and again: first at a random moment of the first interval, since several processes share a database,
 * then an interval after the last one ended, so that they never overlap. Holds no process open.
 */
export class Janitor {
  readonly #work: () => Promise<unknown>
  readonly #interval: number
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  /** @param interval milliseconds between two clean-ups; @param work must bound itself, and must not reject */
  constructor(interval: number, work: () => Promise<unknown>) {
    this.#interval = interval
    this.#work = work
    this.#wait(Math.random() * interval)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  #wait(delay: number): void {
    if (this.#isStopped) return
    const next = delay > longestDelay ? () => this.#wait(delay - longestDelay) : () => this.#run()
    this.#timer = setTimeout(next, Math.min(delay, longestDelay)).unref()
  }

  #run(): void {
    const again = (): void => this.#wait(this.#interval)
    this.#work().then(again, again)
  }
}
