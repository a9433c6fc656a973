/** How long work may keep the event loop before others get their turn, in milliseconds. */
const slice = 5

/**
 * Calls to the file system are synchronous here, each a matter of microseconds. A thousand of them at once would add up, so no
 * turn of the event loop has more of them than fit into a slice. The others wait in line for the turns that follow.
 */
export class Pace {
  #began = -1
  /** In the order in which they came; those before `#next` are gone. */
  #line: (() => void)[] = []
  #next = 0

  /** Whether to go on at once. */
  isFree(): boolean {
    return this.#line.length === 0 && this.#hasTime()
  }

  /** Undefined: go on, at once. Else a promise that ends when it is your turn. */
  rest(): Promise<void> | undefined {
    if (this.isFree()) return undefined
    return new Promise((resolve) => {
      if (this.#line.push(resolve) === 1) this.#serve()
    })
  }

  /** Whether this turn of the event loop has time left. */
  #hasTime(): boolean {
    const now = performance.now()
    if (this.#began >= 0) return now - this.#began < slice
    this.#began = now
    setImmediate(() => {
      this.#began = -1
    })
    return true
  }

  async #serve(): Promise<void> {
    while (this.#next < this.#line.length) {
      await new Promise((resolve) => setImmediate(resolve))
      this.#began = -1
      while (this.#next < this.#line.length && this.#hasTime()) {
        this.#line[this.#next++]!()
        // Whoever was let go does his work before us, so that the clock shows it.
        await undefined
        await undefined
      }
    }
    this.#line = []
    this.#next = 0
  }
}
