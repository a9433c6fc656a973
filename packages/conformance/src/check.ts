/** One requirement, as data. A suite is a list of checks. */
export interface Check<Context> {
  /** The requirement, as a sentence without "should". Unique in its suite. */
  readonly name: string
  /** The source of the requirement: a line of the contract, express-session's documentation or code, or common sense. */
  readonly why: string
  /** The needs of the check: optional methods, a second instance on the same storage … It is skipped if one is missing. */
  readonly needs: readonly string[]
  /** Rejects, with an `AssertionError` as a rule, if it does not hold. */
  run(context: Context): Promise<void>
}

/** A freshly opened instance that checks can be run on. */
export interface Subject<Context> {
  readonly context: Context
  /** Why the opened instance lacks this need; undefined if it has it. */
  missing(need: string): string | undefined
  close(): Promise<void>
}

/** The result of one check. */
export interface Grade {
  readonly name: string
  readonly why: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it failed. */
  readonly error?: Error
  /** Why it was skipped. */
  readonly reason?: string
  /** The missing needs, by their names in `needs`, if it was skipped. */
  readonly missing?: readonly string[]
}

/** How checks are run. */
export interface RunOptions {
  /** The longest time for opening, for one check and for closing, in milliseconds. Default: 10,000. */
  readonly limit?: number
  /** Which checks to run, by name. Default: all. */
  readonly only?: (name: string) => boolean
  /**
   * Needs that the bank or store lacks: names of optional methods, or `another`, `configured`, `promises`. Their checks are registered as
   * skipped. Only for Jest, which cannot skip a running test: other runners do not need it.
   */
  readonly lacks?: readonly string[]
}

/** The default of `limit`, in milliseconds. */
export const LIMIT = 10_000

/** Thrown by a running check that finds a need missing: it counts as skipped. */
export class Skipped extends Error {
  override name = 'Skipped'
}
