/**
 * Writes of one session take turns within a process: they reach the bank in the order in which they were made, and whoever
 * wants to read what was written can wait for them. Different sessions don't wait for each other.
 */
export class Turns {
  readonly #last = new Map<string, Promise<void>>()

  /** Ends, never rejects, when all writes of this id that are under way have; undefined when there is none. */
  busy(id: string): Promise<void> | undefined {
    return this.#last.get(id)
  }

  /** Does the work when its turn comes. `work` must end: bound it, or it holds up all that follow. */
  take<T>(id: string, bounded: (start: Promise<void> | undefined) => Promise<T>): Promise<T> {
    const work = bounded(this.#last.get(id))
    const end = (): void => {
      if (this.#last.get(id) === turn) this.#last.delete(id)
    }
    const turn: Promise<void> = work.then(end, end)
    this.#last.set(id, turn)
    return work
  }

  /** Ends when every write that is under way has. */
  async idle(): Promise<void> {
    await Promise.all(this.#last.values())
  }
}
