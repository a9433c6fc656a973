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
  /** Why the opened instance lacks what a check needs; undefined if it has it. */
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
  /** What was missing, by the names in `needs`, if it was skipped. */
  readonly missing?: readonly string[]
}

/** How checks are run. */
export interface RunOptions {
  /** How long opening, one check and closing may take, each, in milliseconds. Default: 10,000. */
  readonly limit?: number
  /** Which checks to run, by name. Default: all. */
  readonly only?: (name: string) => boolean
  /**
   * What the bank or store surely lacks: names of optional methods, or `another`, `configured`, `promises`. Its checks are registered
   * as skipped. Only for Jest, which cannot skip a test that runs: other runners find out by themselves.
   */
  readonly lacks?: readonly string[]
}

/** The default of `limit`, in milliseconds. */
export const LIMIT = 10_000

/** Thrown by a check that finds out, while it runs, that what it needs is missing: it counts as skipped. */
export class Skipped extends Error {
  override name = 'Skipped'
}
