import { capture, toError } from './capture.ts'
import type { Check, Grade, Subject } from './check.ts'

/** Runs one check on a fresh subject. Never rejects: whatever goes wrong is in the grade. */
export async function runCheck<Context>(
  check: Check<Context>,
  open: () => Promise<Subject<Context>>,
  limit: number,
): Promise<Grade> {
  const { name, why } = check
  try {
    const { result, uncaught } = await capture(() => runOpened(check, open, limit))
    if (result !== null) return { name, why, outcome: 'skipped', reason: result }
    if (uncaught[0] !== undefined) {
      const error = new Error(`uncaught while the check ran: ${uncaught[0].message}`, { cause: uncaught[0] })
      return { name, why, outcome: 'failed', error }
    }
    return { name, why, outcome: 'passed' }
  } catch (error) {
    return { name, why, outcome: 'failed', error: toError(error) }
  }
}

/** Answers why the check was skipped, or null if it was run. */
async function runOpened<Context>(
  check: Check<Context>,
  open: () => Promise<Subject<Context>>,
  limit: number,
): Promise<string | null> {
  const subject = await within(limit, 'open', open())
  // The check gets a turn of the event loop of its own. Node 26.9 ends the process when something is thrown, and caught by a
  // listener, in the turn in which an operation of `fs.promises` has ended, as one may in `open`.
  await new Promise((resolve) => setImmediate(resolve))
  let failed = true
  try {
    const missing = check.needs.filter((need) => !subject.has(need))
    if (missing.length === 0) await within(limit, 'the check', check.run(subject.context))
    failed = false
    return missing.length === 0 ? null : `there is no ${missing.join(', no ')}`
  } finally {
    const closing = within(limit, 'close', subject.close())
    // What the check found says more than the close that fails after it.
    await (failed ? closing.catch(() => {}) : closing)
  }
}

/** The promise's own outcome, or a rejection when it has none within `limit` milliseconds. */
async function within<Result>(limit: number, what: string, promise: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end within ${limit} ms`)), limit)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
