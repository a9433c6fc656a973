import type { Layer } from 'connect-databank/backend'
import fc from 'fast-check'
import { capture } from '../capture.ts'
import type { AnyStore } from '../store/any-store.ts'
import { type Environment, runHistory } from './execution.ts'
import { type FaultKind, type Plan, plans } from './plan.ts'
import { type Circumstances, violationIn } from './rules.ts'
import { HoldingLayer } from './scheduler.ts'
import { transcript } from './transcript.ts'

/** Stores that were opened for histories. */
export interface OpenedForHistories {
  /** On storage that nothing else writes to. */
  readonly store: AnyStore
  /** Opens a second store on the same storage, as another process would. Leave it out if storage cannot be shared. */
  readonly another?: () => Promise<AnyStore>
  /**
   * For stores that are disturbed from outside: ends the disturbance, after each history. Operations may fail meanwhile, and a
   * failed operation may still take effect.
   */
  readonly calm?: () => Promise<void>
  /**
   * Disturbs the stores from outside, before each history. `name` is the beginning of its session ids; `random` returns whole numbers
   * below `bound`, the same in a replay.
   */
  readonly disturb?: (name: string, random: (bound: number) => number) => Promise<void>
  /** Closes all stores. */
  close(): Promise<void>
}

/** Which histories run, and where. */
export interface HistoryOptions {
  /**
   * Opens the stores. If a store's bank is put under `layer`, its calls are held, and happen in an order that the seed decides: the same
   * in each replay. Without the layer, or for other stores, calls happen as they come.
   *
   * @example
   * open: async (layer) => {
   *   const bank = new MyBank()
   *   const store = new DatabankStore({ bank: layer(bank), owner: ownerInHistories })
   *   return { store, close: () => store.close() }
   * }
   */
  readonly open: (layer: Layer) => Promise<OpenedForHistories>
  /** The stores have the option `owner: ownerInHistories`: sessions have owners, are listed and ended by owner. Default: false. */
  readonly owners?: boolean
  /** How many histories. Default: 1,000. */
  readonly runs?: number
  /** The seed of all random decisions. Default: another each time. */
  readonly seed?: number
  /** The history to begin with, as the report of a failure names it. */
  readonly path?: string
  /** Whether the history decides the order of the bank's calls, or they take effect at once. */
  readonly calls: 'ordered' | 'as they come'
  /** The kinds of faults of calls of the bank; these must be ordered. Default: none. */
  readonly faults?: readonly FaultKind[]
  /** How many histories run at once; one if stores are disturbed, and in a replay. Default: 16. */
  readonly atOnce?: number
  /** How long a history waits while a store does nothing, in milliseconds. Default: 10,000. */
  readonly limit?: number
  /** How far apart the clocks of this process and of the database may be, in milliseconds. Default: 2. */
  readonly clocks?: number
  /** By how much stores may round an expiry, in milliseconds. Default: 1,000. */
  readonly rounding?: number
  /** For how long a smaller history with the same failure is looked for, in milliseconds. Default: 10,000. */
  readonly shrinking?: number
}

/** The result of histories. */
export interface HistoryReport {
  /** The seed of the failed history, if there is one: several run at once, each with its own seed. */
  readonly seed: number
  /** How many ran, including those that reduced a failure. */
  readonly histories: number
  /** How many operations of stores failed in them: it shows whether disturbances had an effect. */
  readonly failed: number
  /** Why no history ran: the calls of these stores cannot be ordered. */
  readonly skipped?: string
  readonly failure?: {
    /** The `path` that repeats it, together with the seed. */
    readonly path: string
    readonly plan: Plan
    readonly error: Error
  }
}

/** A history in which a store broke a promise. */
export class HistoryError extends Error {
  override name = 'HistoryError'
}

/** Runs random histories, and reduces the first that breaks a promise to a minimum. Rejects only if `open` or `close` does. */
export async function runHistories(options: HistoryOptions): Promise<HistoryReport> {
  const seed = options.seed ?? Math.trunc(Math.random() * 2 ** 31)
  const holding = new HoldingLayer()
  const opened = await options.open(holding.layer)
  try {
    const isOrdered = options.calls === 'ordered'
    if (isOrdered && !holding.isUsed) return { seed, histories: 0, failed: 0, skipped: 'the calls of its bank cannot be ordered' }
    const environment: Environment = {
      stores: [opened.store, ...(opened.another === undefined ? [] : [await opened.another()])],
      holding: isOrdered ? holding : undefined,
      limit: options.limit ?? 10_000,
      hasOwners: options.owners,
      calm: opened.calm,
    }
    const lanes = options.path === undefined && opened.disturb === undefined ? (options.atOnce ?? 16) : 1
    const search = new Search(options, opened, environment, Math.ceil((options.runs ?? 1_000) / lanes))
    const reports = await Promise.all(Array.from({ length: lanes }, (_, lane) => search.lane((seed + lane * 65_537) | 0)))
    const histories = reports.reduce((sum, report) => sum + report.histories, 0)
    return { ...(reports.find(({ failure }) => failure !== undefined) ?? { seed }), histories, failed: search.failed }
  } finally {
    await opened.close()
  }
}

let names = 0

/** Thrown in a lane when another has found a failure. */
const OTHER_FOUND = new Error('another lane has found a failure')

/** Looks for a history that breaks a promise: several at once in the same environment, each lane with a seed of its own. */
class Search {
  readonly #options: HistoryOptions
  readonly #opened: OpenedForHistories
  readonly #environment: Environment
  readonly #runs: number
  /** When the search for a smaller history ends, in epoch milliseconds. */
  #end = Number.POSITIVE_INFINITY
  /** How many operations have failed. */
  failed = 0
  /** The seed of the lane that has found a failure: all others end. */
  #finder: number | undefined

  constructor(options: HistoryOptions, opened: OpenedForHistories, environment: Environment, runs: number) {
    this.#options = options
    this.#opened = opened
    this.#environment = environment
    this.#runs = runs
  }

  async lane(seed: number): Promise<Omit<HistoryReport, 'failed'>> {
    let histories = 0
    const { faults = [], owners = false, path } = this.#options
    const numbers = this.#opened.disturb === undefined ? fc.constant(undefined) : fc.infiniteStream(fc.nat())
    const property = fc.asyncProperty(plans({ faults, hasOwners: owners }), numbers, async (plan, random) => {
      // Ends this lane at once, because making a plan also takes time.
      if ((this.#finder ?? seed) !== seed) throw OTHER_FOUND
      if (Date.now() >= this.#end) return
      histories++
      try {
        await this.#run(plan, random)
      } catch (error) {
        if (this.#finder === undefined) this.#end = Date.now() + (this.#options.shrinking ?? 10_000)
        this.#finder ??= seed
        if (this.#finder === seed) throw error
      }
    })
    const details = await fc.check(property, { numRuns: this.#runs, seed, ...(path !== undefined && { path }) })
    if (!details.failed || details.counterexample === null || details.errorInstance === OTHER_FOUND) return { seed, histories }
    const error = details.errorInstance instanceof Error ? details.errorInstance : new Error(String(details.errorInstance))
    return { seed, histories, failure: { path: details.counterexamplePath ?? '', plan: details.counterexample[0], error } }
  }

  /** Runs one history. Throws if it breaks a promise. */
  async #run(plan: Plan, random: Iterator<number> | undefined): Promise<void> {
    const name = `h${names++}`
    if (random !== undefined) await this.#opened.disturb?.(name, (bound) => (random.next().value as number) % bound)
    const { result: history, uncaught } = await capture(() => runHistory(plan, name, this.#environment))
    this.failed += history.operations.filter(({ outcome }) => outcome === 'failed').length
    const violation = violationIn(history.operations, [...history.failures, ...uncaught], this.#circumstances())
    if (violation !== undefined) throw new HistoryError(transcript(history, violation))
  }

  #circumstances(): Circumstances {
    const { faults = [], clocks = 2, rounding = 1_000 } = this.#options
    const isDisturbed = this.#opened.disturb !== undefined
    return { mayFail: isDisturbed || faults.length > 0, mayHappenLate: isDisturbed || faults.includes('late'), clocks, rounding }
  }
}
