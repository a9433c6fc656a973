import { setTimeout as sleep } from 'node:timers/promises'
import type { Dialect, Execute, Result } from './dialect.ts'

/** How deep the causes of an error are searched. */
const DEEPEST_CAUSE = 5
/** How often one statement is run at most. */
const MAX_ATTEMPTS = 20

/**
 * The error and what it wraps: query builders wrap the errors of the client below them (`cause`, `originalError`,
 * `driverError`, Prisma's `meta`).
 */
export function* causesOf(error: unknown, depth = 0): Generator<Readonly<Record<string, unknown>>> {
  if (typeof error !== 'object' || error === null || depth > DEEPEST_CAUSE) return
  const each = error as Readonly<Record<string, unknown>>
  yield each
  for (const name of ['cause', 'originalError', 'driverError', 'meta']) yield* causesOf(each[name], depth + 1)
}

/**
 * Makes an `execute` that repeats a statement if the database rolled it back because of others (a serialization failure, a deadlock):
 * after a random wait, and within the time of the first attempt.
 */
export function withRetries({ isTransient }: Pick<Dialect, 'isTransient'>, execute: Execute): Execute {
  if (isTransient === undefined) return execute
  return (text, parameters, timeout) => {
    const end = performance.now() + timeout
    const repeat = async (attempt: number, error: unknown): Promise<Result> => {
      const isRepeatable = typeof error === 'object' && error !== null && isTransient(error)
      if (!isRepeatable || attempt > MAX_ATTEMPTS || performance.now() > end) throw error
      await sleep(Math.random() * Math.min(100, 4 * 2 ** attempt))
      return run(attempt)
    }
    const run = (attempt: number): Promise<Result> =>
      execute(text, parameters, timeout).catch((error: unknown) => repeat(attempt + 1, error))
    return run(1)
  }
}
