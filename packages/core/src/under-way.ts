/** How many operations are under way, and when there is none. */
export class UnderWay {
  #count = 0
  readonly #whenIdle: (() => void)[] = []

  begin(): void {
    this.#count++
  }

  end(): void {
    this.#count--
    if (this.#count > 0) return
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  /** Ends when all that is under way has. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#count === 0) resolve()
      else this.#whenIdle.push(resolve)
    })
  }
}
