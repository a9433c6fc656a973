import type { BankContext } from '../bank.ts'

/** A difference up to this is common and harmless, in milliseconds. */
const TOLERATED_DIFFERENCE = 1_000

/**
 * Warns if the database's clock differs from this machine's by more than a second. If the database expires
 * entries by itself, and its clock is ahead by more than a session's lifetime, everybody is logged out.
 *
 * @param ask returns the database's time, in epoch milliseconds; NaN if the database does not tell it
 */
export async function compareClocks(context: BankContext, database: string, ask: () => Promise<number>): Promise<void> {
  const sentAt = Date.now()
  const theirs = await ask()
  const receivedAt = Date.now()
  if (!Number.isFinite(theirs)) return
  const difference = theirs < sentAt ? theirs - sentAt : Math.max(0, theirs - receivedAt)
  if (Math.abs(difference) <= TOLERATED_DIFFERENCE) return
  const ours = new Date(receivedAt).toISOString()
  const direction = difference > 0 ? 'ahead of' : 'behind'
  context.warn(
    `the clock of ${database} is ${Math.round(Math.abs(difference) / 1000)} s ${direction} this machine's: sessions may expire too early or too late`,
    { database: new Date(theirs).toISOString(), here: ours },
  )
}
