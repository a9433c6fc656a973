/** Counts operations that are under way, and tells when there is none. */
export class InFlight {
  count = 0
  #whenIdle: (() => void)[] = []

  begin(operations = 1): void {
    this.count += operations
  }

  end(operations = 1): void {
    this.count -= operations
    if (this.count > 0) return
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const resolve of waiting) resolve()
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve))
  }
}
