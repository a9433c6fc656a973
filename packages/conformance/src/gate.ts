/**
 * Holds what passes through it until it is let go, so that a race is an order that a test chose.
 *
 * @example
 * const gate = new Gate()
 * const first = run(async () => { await gate.pass('first'); return 1 })
 * await gate.arrived('first') // it stands at the gate now
 * gate.release('first')
 * await first
 */
export class Gate {
  readonly #places = new Map<string, Place>()

  /** Waits here until the name is released. Once released, whoever comes later passes at once. */
  async pass(name: string): Promise<void> {
    const place = this.#place(name)
    place.arrive()
    await place.open
  }

  /** Waits until somebody stands at the gate under this name, or has passed it. */
  async arrived(...names: string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#place(name).arrived))
  }

  /** Lets go whoever waits under this name. */
  release(name: string): void {
    this.#place(name).release()
  }

  /** Lets everybody go. */
  releaseAll(): void {
    for (const place of this.#places.values()) place.release()
  }

  #place(name: string): Place {
    let place = this.#places.get(name)
    if (place === undefined) {
      const arrival = deferred()
      const opening = deferred()
      place = { arrived: arrival.promise, arrive: arrival.resolve, open: opening.promise, release: opening.resolve }
      this.#places.set(name, place)
    }
    return place
  }
}

interface Place {
  readonly arrived: Promise<void>
  readonly arrive: () => void
  readonly open: Promise<void>
  readonly release: () => void
}

/** A promise and its two ends. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>
  readonly resolve: (value: Value) => void
  readonly reject: (error: unknown) => void
}

/** `Promise.withResolvers`, which Node 20 lacks. */
export function deferred<Value = void>(): Deferred<Value> {
  let resolve!: (value: Value) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<Value>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise
    reject = rejectPromise
  })
  return { promise, resolve, reject }
}
