import { capture, toError } from './capture.ts'
import { type Check, type Grade, Skipped, type Subject } from './check.ts'

/** Runs one check on a fresh subject. Never rejects: every error is in the grade. */
export async function runCheck<Context>(
  check: Check<Context>,
  open: () => Promise<Subject<Context>>,
  limit: number,
): Promise<Grade> {
  const { name, why } = check
  try {
    const { result, uncaught } = await capture(() => runOpened(check, open, limit))
    if (result !== null) return { name, why, outcome: 'skipped', ...result }
    if (uncaught[0] !== undefined) {
      const error = new Error(`uncaught while the check ran: ${uncaught[0].message}`, { cause: uncaught[0] })
      return { name, why, outcome: 'failed', error }
    }
    return { name, why, outcome: 'passed' }
  } catch (error) {
    return { name, why, outcome: 'failed', error: toError(error) }
  }
}

/** Why a check was skipped, and the missing needs. */
type SkipReason = Required<Pick<Grade, 'reason' | 'missing'>>

/** Returns why the check was skipped, or null if it was run. */
async function runOpened<Context>(
  check: Check<Context>,
  open: () => Promise<Subject<Context>>,
  limit: number,
): Promise<SkipReason | null> {
  const subject = await within(limit, 'open', open())
  // Node.js 26.9 ends the process if an exception is thrown, and caught by a listener, in the turn of the event loop in which an
  // operation of `fs.promises` ended, as one may in `open`: so the check starts in the next turn.
  await new Promise((resolve) => setImmediate(resolve))
  let failed = true
  try {
    const missing = check.needs.filter((need) => subject.missing(need) !== undefined)
    const reason = missing.map((need) => subject.missing(need)).join(', ')
    const skipped = missing.length > 0 ? { reason, missing } : await run(check, subject.context, limit)
    failed = false
    return skipped
  } finally {
    const closing = within(limit, 'close', subject.close())
    // The check's own error says more than the error of the close.
    await (failed ? closing.catch(() => {}) : closing)
  }
}

async function run<Context>(check: Check<Context>, context: Context, limit: number): Promise<SkipReason | null> {
  try {
    await within(limit, 'the check', check.run(context))
    return null
  } catch (error) {
    if (error instanceof Skipped) return { reason: error.message, missing: check.needs }
    throw error
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
