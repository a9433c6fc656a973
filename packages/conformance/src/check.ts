/** One thing that must hold, as data: a suite is a list of these. */
export interface Check<Context> {
  /** Says what holds, in a sentence without "should". Unique in its suite. */
  readonly name: string
  /** Who asks for it: a line of the contract or of express-session's documentation or code, or plain sense. */
  readonly why: string
  /** The optional methods it calls, and `another` if it looks at the same place twice. It is skipped where one is missing. */
  readonly needs: readonly string[]
  /** Rejects, with an `AssertionError` as a rule, if it does not hold. */
  run(context: Context): Promise<void>
}

/** Something freshly opened that checks can be run on. */
export interface Subject<Context> {
  readonly context: Context
  /** Whether the opened instance has what a check needs. */
  has(need: string): boolean
  close(): Promise<void>
}

/** What came of one check. */
export interface Grade {
  readonly name: string
  readonly why: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it failed. */
  readonly error?: Error
  /** Why it was skipped. */
  readonly reason?: string
}

/** How checks are run. */
export interface RunOptions {
  /** How long opening, one check and closing may take, each, in milliseconds. Default 10,000. */
  readonly limit?: number
  /** Which checks to run, by name. Default: all. */
  readonly only?: (name: string) => boolean
}

/** The time limit where none is given, in milliseconds. */
export const LIMIT = 10_000
