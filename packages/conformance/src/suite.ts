import { type Check, type Grade, LIMIT, type RunOptions, type Subject } from './check.ts'
import { runCheck } from './run.ts'

/** The part of a test runner that the suites use: vitest, node:test, mocha and Jest have it. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown
  // biome-ignore lint/suspicious/noExplicitAny: every runner has a context of its own
  readonly it: (name: string, body: (this: any, ...args: any[]) => Promise<void>, timeout?: number) => unknown
}

/** Registers each check with the runner. */
export function register<Context>(
  { describe, it }: Runner,
  title: string,
  checks: readonly Check<Context>[],
  open: () => Promise<Subject<Context>>,
  { limit = LIMIT, only = () => true, lacks = [] }: RunOptions,
): void {
  const timeout = limit * 3 + 1_000
  describe(title, () => {
    for (const check of checks) {
      if (!only(check.name)) continue
      const lacking = check.needs.find((need) => lacks.includes(need))
      // A rest parameter keeps the function's length at 0: mocha and Jest take a first parameter for a `done` callback.
      const body = async function (this: unknown, ...args: unknown[]): Promise<void> {
        // vitest and Jest take the time limit beside the body, mocha from its context. The suite's own limit is shorter.
        const mocha = this as { timeout?: (milliseconds: number) => void } | undefined
        if (typeof mocha?.timeout === 'function') mocha.timeout(timeout)
        const { outcome, error, reason, missing } = await runCheck(check, open, limit)
        if (outcome === 'failed') throw error
        if (outcome === 'skipped') skip([args[0], this], reason ?? '', missing)
      }
      const skipping = (it as { skip?: Runner['it'] }).skip
      if (lacking !== undefined && skipping !== undefined) skipping(check.name, body, timeout)
      else it(check.name, body, timeout)
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

/**
 * Skips the running test: vitest and node:test pass a context, mocha binds one. Jest cannot skip a running test: there it fails,
 * since a skipped check must not count as passed.
 */
export function skip(contexts: readonly unknown[], reason: string, missing: readonly string[] = []): void {
  const able = (contexts as { skip?: (reason: string) => void }[]).find((context) => typeof context?.skip === 'function')
  if (able?.skip !== undefined) able.skip(reason)
  else {
    const names = missing.map((name) => `'${name}'`).join(', ')
    throw new Error(`skipped: ${reason}. This test runner cannot skip a running test: pass lacks: [${names}]`)
  }
}
