/**
 * Makes its callers wait until they are released, so that a test chooses the order of a race.
 *
 * @example
 * const gate = new Gate()
 * const first = run(async () => { await gate.pass('first'); return 1 })
 * await gate.arrived('first') // it waits now
 * gate.release('first')
 * await first
 */
export class Gate {
  readonly #entrances = new Map<string, Entrance>()

  /** Waits until the name is released. After its release, every caller passes at once. */
  async pass(name: string): Promise<void> {
    const entrance = this.#entrance(name)
    entrance.arrival.resolve()
    await entrance.opening.promise
  }

  /** Waits until a caller has arrived under each of these names. */
  async arrived(...names: string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#entrance(name).arrival.promise))
  }

  /** Releases the callers that wait under this name. */
  release(name: string): void {
    this.#entrance(name).opening.resolve()
  }

  /** Releases all callers that wait. */
  releaseAll(): void {
    for (const { opening } of this.#entrances.values()) opening.resolve()
  }

  #entrance(name: string): Entrance {
    let entrance = this.#entrances.get(name)
    if (entrance === undefined) {
      entrance = { arrival: deferred(), opening: deferred() }
      this.#entrances.set(name, entrance)
    }
    return entrance
  }
}

interface Entrance {
  readonly arrival: Deferred<void>
  readonly opening: Deferred<void>
}

/** A promise with its resolve and reject functions. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>
  readonly resolve: (value: Value) => void
  readonly reject: (error: unknown) => void
}

/** `Promise.withResolvers`, which Node.js 20 lacks. */
export function deferred<Value = void>(): Deferred<Value> {
  let resolve!: (value: Value) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<Value>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise
    reject = rejectPromise
  })
  return { promise, resolve, reject }
}
