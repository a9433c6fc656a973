import type { Meter, ObservableResult } from '@opentelemetry/api'
import { setBackgroundTimeout } from 'connect-databank/backend'

/** A store that counts its sessions: every store of express-session with `length`. It calls the callback, or returns a promise. */
export interface CountableStore {
  length(callback: CountCallback): unknown
}

type CountCallback = (error?: unknown, count?: number) => void

/** How long a collection waits for the count, in milliseconds. Then it continues without the count, and the next collection has it. */
const LONGEST_WAIT = 1_000

/** Reports the number of live sessions until the function that it returns is called. */
export function observeLiveSessions(meter: Meter, store: CountableStore, interval: number): () => void {
  const gauge = meter.createObservableGauge('session.store.session.count', {
    description: 'Live sessions in the store',
    unit: '{session}',
  })
  const count = new SessionCount(store, interval)
  const observe = (result: ObservableResult): Promise<void> => count.observe(result)
  gauge.addCallback(observe)
  return () => gauge.removeCallback(observe)
}

/** The number of live sessions. It counts at most once in each interval, and never twice at a time. */
class SessionCount {
  readonly #store: CountableStore
  readonly #interval: number
  /** Undefined until the store has counted. */
  #count: number | undefined
  #counting: Promise<void> | undefined
  /** On the clock of `performance`. */
  #askedAt = -Infinity

  constructor(store: CountableStore, interval: number) {
    this.#store = store
    this.#interval = interval
  }

  async observe(result: ObservableResult): Promise<void> {
    if (this.#counting === undefined && performance.now() - this.#askedAt >= this.#interval) this.#counting = this.#ask()
    if (this.#counting !== undefined) await Promise.race([this.#counting, longestWait()])
    if (this.#count !== undefined) result.observe(this.#count)
  }

  async #ask(): Promise<void> {
    this.#askedAt = performance.now()
    try {
      this.#count = await countOf(this.#store)
    } catch {
      // The last count stays. The metrics of operations show the error.
    }
    this.#counting = undefined
  }
}

/** The number of sessions, from the callback or from a promise that the store returns. */
function countOf(store: CountableStore): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const returned = store.length((error, count) => (error ? reject(error) : resolve(count)))
    // A store that calls the callback returns nothing, or a promise of nothing.
    Promise.resolve(returned).then((count) => {
      if (typeof count === 'number') resolve(count)
    }, reject)
  })
}

function longestWait(): Promise<void> {
  return new Promise((resolve) => setBackgroundTimeout(resolve, LONGEST_WAIT))
}
