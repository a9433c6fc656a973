import { compareClocks, DEFAULT_CONTEXT } from 'connect-databank/backend'
import { type Finding, ok, warn } from './finding.ts'

/** Compares the clock of a server with this machine's, as the banks do. @param ask returns the server's time, in epoch milliseconds */
export async function clockFinding(database: string, ask: () => Promise<number>): Promise<Finding> {
  let difference: string | undefined
  const context = { ...DEFAULT_CONTEXT, warn: (message: string) => (difference = message) }
  await compareClocks(context, database, ask)
  if (difference === undefined) return ok('clock', "agrees with this machine's to a second")
  return warn('clock', difference, 'sudo timedatectl set-ntp true')
}
