import { type Finding, ok, warn } from './finding.ts'

/** As the stores tolerate it, in milliseconds. */
const TOLERATED = 1_000

/** Compares the clock of a server with this machine's. @param ask returns the server's time, in epoch milliseconds */
export async function clockFinding(ask: () => Promise<number>): Promise<Finding> {
  const sentAt = Date.now()
  const theirs = await ask()
  const receivedAt = Date.now()
  const difference = theirs < sentAt ? theirs - sentAt : Math.max(0, theirs - receivedAt)
  if (Math.abs(difference) <= TOLERATED) return ok('clock', "agrees with this machine's to a second")
  const seconds = Math.round(Math.abs(difference) / 1_000)
  const message = `is ${seconds} s ${difference > 0 ? 'ahead of' : 'behind'} this machine's: sessions expire too early or too late`
  return warn('clock', message, 'sudo timedatectl set-ntp true')
}
