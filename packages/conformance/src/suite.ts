import { type Check, type Grade, LIMIT, type RunOptions, type Subject } from './check.ts'
import { runCheck } from './run.ts'

/** A test runner, as far as the suites need one: those of vitest, node:test, mocha and jest fit. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown
  // biome-ignore lint/suspicious/noExplicitAny: every runner has a context of its own
  readonly it: (name: string, body: (this: any, ...args: any[]) => Promise<void>, timeout?: number) => unknown
}

/** Tells the runner of each check. */
export function register<Context>(
  { describe, it }: Runner,
  title: string,
  checks: readonly Check<Context>[],
  open: () => Promise<Subject<Context>>,
  { limit = LIMIT, only = () => true }: RunOptions,
): void {
  const timeout = limit * 3 + 1_000
  describe(title, () => {
    for (const check of checks) {
      if (!only(check.name)) continue
      // A rest parameter keeps the function's length at 0: mocha and jest take a first parameter for a `done` callback.
      const body = async function (this: unknown, ...args: unknown[]): Promise<void> {
        // vitest and jest take the time limit beside the body, mocha from its context. Ours is the one that counts.
        const mocha = this as { timeout?: (milliseconds: number) => void } | undefined
        if (typeof mocha?.timeout === 'function') mocha.timeout(timeout)
        const { outcome, error, reason } = await runCheck(check, open, limit)
        if (outcome === 'failed') throw error
        if (outcome === 'skipped') skip([args[0], this], reason ?? '')
      }
      it(check.name, body, timeout)
    }
  })
}

/** Runs the checks without a runner, one after the other. */
export async function grade<Context>(
  checks: readonly Check<Context>[],
  open: () => Promise<Subject<Context>>,
  { limit = LIMIT, only = () => true }: RunOptions,
): Promise<Grade[]> {
  const grades: Grade[] = []
  for (const check of checks) if (only(check.name)) grades.push(await runCheck(check, open, limit))
  return grades
}

/** Skips the test that runs now: vitest and node:test hand a context over, mocha binds one. Where there is none it passes. */
export function skip(contexts: readonly unknown[], reason: string): void {
  const able = (contexts as { skip?: (reason: string) => void }[]).find((context) => typeof context?.skip === 'function')
  able?.skip?.(reason)
}
