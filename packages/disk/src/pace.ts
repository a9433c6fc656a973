/** How long work may keep the event loop before others get their turn, in milliseconds. */
const slice = 8

/**
 * Calls to the file system are synchronous here, each a matter of microseconds. A hundred of them at once would add up, so no
 * turn of the event loop has more of them than fit into a slice; the others wait for the next turn.
 */
export class Pace {
  #began = -1
  #rest: Promise<void> | undefined

  /** Undefined: go on. Else wait for it, then ask again. */
  rest(): Promise<void> | undefined {
    const now = performance.now()
    if (this.#began < 0) {
      this.#began = now
      setImmediate(() => {
        this.#began = -1
      })
      return undefined
    }
    if (now - this.#began < slice) return undefined
    this.#rest ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#rest = undefined
        resolve()
      })
    })
    return this.#rest
  }

  /** Ends when there is time to go on. */
  async turn(): Promise<void> {
    for (let rest = this.rest(); rest !== undefined; rest = this.rest()) await rest
  }
}
