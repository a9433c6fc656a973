import type { Layer } from 'connect-databank'
import fc from 'fast-check'
import { capture } from '../capture.ts'
import type { AnyStore } from '../store/any-store.ts'
import { Calls } from './calls.ts'
import { type FaultKind, type Plan, plans } from './plan.ts'
import { play, type Stage } from './play.ts'
import { type Circumstances, violationIn } from './rules.ts'
import { transcript } from './transcript.ts'

/** Stores that were opened for histories. */
export interface OpenedForHistories {
  /** On a place that nobody else writes to. */
  readonly store: AnyStore
  /** Opens a second store on the same place, as another process would. Leave it out where a place cannot be shared. */
  readonly another?: () => Promise<AnyStore>
  /**
   * For stores that are disturbed from outside: ends the disturbance, after each history. Operations may then fail meanwhile, and
   * what has failed may still happen.
   */
  readonly calm?: () => Promise<void>
  /**
   * Disturbs the stores from outside, before each history. `name` is what the ids of its sessions begin with; `random` gives whole
   * numbers below `bound`, the same again in a replay.
   */
  readonly disturb?: (name: string, random: (bound: number) => number) => Promise<void>
  /** Closes all of it. */
  close(): Promise<void>
}

/** Which histories take place, and where. */
export interface HistoryOptions {
  /**
   * Opens the stores. One whose bank is put under `layer` has its calls held, and let happen in an order that the seed
   * decides: the same again in each replay. Without it, or for a store of another make, calls happen as they come.
   *
   * @example
   * open: async (layer) => {
   *   const bank = new MyBank()
   *   const store = new DatabankStore({ bank: layer(bank) })
   *   return { store, close: () => store.close() }
   * }
   */
  readonly open: (layer: Layer) => Promise<OpenedForHistories>
  /** How many histories. Default: 1,000. */
  readonly runs?: number
  /** What chance begins with. Default: another each time. */
  readonly seed?: number
  /** Which history to begin with, as the report of a failure says. */
  readonly path?: string
  /** Whether the calls of the bank are ordered by the history, or happen as they come. */
  readonly calls: 'ordered' | 'as they come'
  /** Faults that strike single calls of the bank; they must be ordered. Default: none. */
  readonly faults?: readonly FaultKind[]
  /** How many histories take place at once; one where stores are disturbed, and in a replay. Default: 16. */
  readonly atOnce?: number
  /** How long a store may leave a history without any answer, in milliseconds. Default: 10,000. */
  readonly limit?: number
  /** How far the clocks of this process and of the database may be apart, in milliseconds. Default: 2. */
  readonly clocks?: number
  /** By how much stores may round the time of death, in milliseconds. Default: 1,000. */
  readonly rounding?: number
  /** How long a failure is made smaller, in milliseconds. Default: 10,000. */
  readonly shrinking?: number
}

/** What came of the histories. */
export interface HistoryReport {
  /** Of the failed history, if there is one: several take place at once, each after a seed of its own. */
  readonly seed: number
  /** How many took place, those too that a failure was made smaller with. */
  readonly histories: number
  /** How many operations of stores failed in them: it tells whether disturbances did disturb. */
  readonly failed: number
  /** Why there is no history to tell of: the calls of these stores cannot be ordered. */
  readonly skipped?: string
  readonly failure?: {
    /** What to hand over, beside the seed, to see it again. */
    readonly path: string
    readonly plan: Plan
    readonly error: Error
  }
}

/** A promise of a session store that a history has shown to be broken. */
export class HistoryError extends Error {
  override name = 'HistoryError'
}

/** Lets random histories take place, and makes the first that breaks a promise as small as it can. Rejects only if `open` or `close` does. */
export async function runHistories(options: HistoryOptions): Promise<HistoryReport> {
  const seed = options.seed ?? Math.trunc(Math.random() * 2 ** 31)
  const calls = new Calls()
  const opened = await options.open(calls.layer)
  try {
    const isOrdered = options.calls === 'ordered'
    if (isOrdered && !calls.isUsed) return { seed, histories: 0, failed: 0, skipped: 'the calls of its bank cannot be ordered' }
    const stores = [opened.store, ...(opened.another === undefined ? [] : [await opened.another()])]
    const stage: Stage = { stores, calls: isOrdered ? calls : undefined, limit: options.limit ?? 10_000, calm: opened.calm }
    const lanes = options.path === undefined && opened.disturb === undefined ? (options.atOnce ?? 16) : 1
    const run = new Run(options, opened, stage, Math.ceil((options.runs ?? 1_000) / lanes))
    const reports = await Promise.all(Array.from({ length: lanes }, (_, lane) => run.lane((seed + lane * 65_537) | 0)))
    const histories = reports.reduce((sum, report) => sum + report.histories, 0)
    return { ...(reports.find(({ failure }) => failure !== undefined) ?? { seed }), histories, failed: run.failed }
  } finally {
    await opened.close()
  }
}

let names = 0

/** Histories side by side on one stage, in lanes: each has a seed of its own, and does not know of the others. */
class Run {
  readonly #options: HistoryOptions
  readonly #opened: OpenedForHistories
  readonly #stage: Stage
  readonly #runs: number
  /** When the failure that was found is small enough, by the computer's clock. */
  #end = Number.POSITIVE_INFINITY
  /** How many operations have failed. */
  failed = 0
  /** The lane that has found something: all others end. */
  #finder: number | undefined

  constructor(options: HistoryOptions, opened: OpenedForHistories, stage: Stage, runs: number) {
    this.#options = options
    this.#opened = opened
    this.#stage = stage
    this.#runs = runs
  }

  async lane(seed: number): Promise<Omit<HistoryReport, 'failed'>> {
    let histories = 0
    const { faults, path } = this.#options
    const chance = this.#opened.disturb === undefined ? fc.constant(undefined) : fc.infiniteStream(fc.nat())
    const property = fc.asyncProperty(plans(faults), chance, async (plan, numbers) => {
      if ((this.#finder ?? seed) !== seed || Date.now() >= this.#end) return
      histories++
      try {
        await this.#happen(plan, numbers)
      } catch (error) {
        if (this.#finder === undefined) this.#end = Date.now() + (this.#options.shrinking ?? 10_000)
        this.#finder ??= seed
        if (this.#finder === seed) throw error
      }
    })
    const details = await fc.check(property, { numRuns: this.#runs, seed, ...(path !== undefined && { path }) })
    if (!details.failed || details.counterexample === null) return { seed, histories }
    const error = details.errorInstance instanceof Error ? details.errorInstance : new Error(String(details.errorInstance))
    return { seed, histories, failure: { path: details.counterexamplePath ?? '', plan: details.counterexample[0], error } }
  }

  /** Lets one history happen; throws if it breaks a promise. */
  async #happen(plan: Plan, chance: Iterator<number> | undefined): Promise<void> {
    const name = `h${names++}`
    if (chance !== undefined) await this.#opened.disturb?.(name, (bound) => (chance.next().value as number) % bound)
    const { result: chronicle, uncaught } = await capture(() => play(plan, name, this.#stage))
    this.failed += chronicle.operations.filter(({ outcome }) => outcome === 'failed').length
    const violation = violationIn(chronicle.operations, [...chronicle.failures, ...uncaught], this.#circumstances())
    if (violation !== undefined) throw new HistoryError(transcript(chronicle, violation))
  }

  #circumstances(): Circumstances {
    const { faults = [], clocks = 2, rounding = 1_000 } = this.#options
    const isDisturbed = this.#opened.disturb !== undefined
    return { mayFail: isDisturbed || faults.length > 0, mayHappenLate: isDisturbed || faults.includes('late'), clocks, rounding }
  }
}
