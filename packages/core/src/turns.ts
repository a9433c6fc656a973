import { TransientMap } from './transient-map.ts'

/** What is under way with one session. */
class Queue<Joint, Left> {
  /** Ends, never rejects, when the writes that were made until now have. */
  last: Promise<void>
  /** Work at the end of the queue whose turn has not come, and that takes more in. */
  joint: Joint | undefined
  left: Left | undefined

  constructor(last: Promise<void>) {
    this.last = last
  }
}

/**
 * Writes of one session take turns within a process: they reach the bank in the order in which they were made, and whoever
 * wants to read what was written can wait for them. Different sessions don't wait for each other.
 */
export class Turns<Joint, Left> {
  readonly #queues = new TransientMap<string, Queue<Joint, Left>>()

  /** Ends, never rejects, when all writes of this id that are under way have; undefined when there is none. */
  busy(id: string): Promise<void> | undefined {
    return this.#queues.get(id)?.last
  }

  /**
   * Does the work when its turn comes. `bounded` gets what it has to wait for, and must end: bound it, or it holds up all that follow.
   *
   * @param joint the work itself, if it takes more in until its turn comes or other work is queued behind it
   */
  take<T>(id: string, bounded: (start: Promise<void> | undefined) => Promise<T>, joint?: Joint): Promise<T> {
    const before = this.#queues.get(id)
    const work = bounded(before?.last)
    const end = (): void => {
      if (queue.last === turn) this.#queues.delete(id)
    }
    const turn: Promise<void> = work.then(end, end)
    const queue = before ?? new Queue<Joint, Left>(turn)
    if (before === undefined) this.#queues.set(id, queue)
    else Object.assign(before, { last: turn, joint })
    return work
  }

  /** What stands last in the queue, has not begun, and was said to take more in. */
  joint(id: string): Joint | undefined {
    return this.#queues.get(id)?.joint
  }

  /** The turn of this work has come: no more goes into it. */
  begin(id: string, joint: Joint): void {
    const queue = this.#queues.get(id)
    if (queue?.joint === joint) queue.joint = undefined
  }

  /** What the write before left, if it told and others have waited for it. */
  left(id: string): Left | undefined {
    return this.#queues.get(id)?.left
  }

  /** Tells the next in the queue what is stored now; undefined: nobody knows. */
  leave(id: string, left: Left | undefined): void {
    const queue = this.#queues.get(id)
    if (queue !== undefined) queue.left = left
  }
}
