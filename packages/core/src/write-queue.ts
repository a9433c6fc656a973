/** The writes of one session that are under way. */
interface Queue<Group, Result> {
  /** Resolves, and never rejects, when the writes queued so far have ended. */
  last: Promise<void>
  /** The last write of the queue, if it has not begun and takes more writes in. */
  openGroup: Group | undefined
  lastResult: Result | undefined
}

/**
 * Writes of one session take turns within a process: they reach the bank in the order of the calls. Writes that wait for the same
 * session can be committed as a group. Different sessions do not wait for each other.
 */
export class WriteQueue<Group, Result> {
  readonly #queues = new Map<string, Queue<Group, Result>>()

  /** Resolves, and never rejects, when the writes of this id that are under way have ended; undefined if there is none. */
  pending(id: string): Promise<void> | undefined {
    return this.#queues.get(id)?.last
  }

  /**
   * Runs a write after those before it.
   *
   * @param start gets the promise to wait for. Its own promise must end, or it blocks all later writes.
   * @param group takes more writes in until `closeGroup`, or until another write is queued behind it
   */
  run<T>(id: string, start: (previous: Promise<void> | undefined) => Promise<T>, group?: Group): Promise<T> {
    const queue = this.#queues.get(id)
    const work = start(queue?.last)
    const end = (): void => {
      if (this.#queues.get(id)?.last === ended) this.#queues.delete(id)
    }
    const ended: Promise<void> = work.then(end, end)
    if (queue === undefined) this.#queues.set(id, { last: ended, openGroup: undefined, lastResult: undefined })
    else {
      queue.last = ended
      queue.openGroup = group
    }
    return work
  }

  /** The group at the end of the queue that takes more writes in. */
  openGroup(id: string): Group | undefined {
    return this.#queues.get(id)?.openGroup
  }

  /** The group begins: it takes no more writes in. */
  closeGroup(id: string, group: Group): void {
    const queue = this.#queues.get(id)
    if (queue?.openGroup === group) queue.openGroup = undefined
  }

  /** The result of the queue's previous write, if it succeeded. */
  lastResult(id: string): Result | undefined {
    return this.#queues.get(id)?.lastResult
  }

  /** Passes the stored state to the queue's next write; undefined if it is unknown. */
  setLastResult(id: string, result: Result | undefined): void {
    const queue = this.#queues.get(id)
    if (queue !== undefined) queue.lastResult = result
  }
}
