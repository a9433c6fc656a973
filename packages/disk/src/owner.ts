import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'

/**
 * A process that writes, as it tells of itself to the others: `<boot>-<namespace>-<pid>-<start>-<random>`. It is in the name of
 * each file that it may leave, so that no crash can separate the two; and it never comes back, as process ids do.
 *
 * The boot of the machine, and the namespace within which process ids mean the same (a container has its own), are digests. When
 * the process began is in the system's own count. What the system does not tell is 0.
 */
export type Token = string

export const tokenPattern = '[0-9a-f]{8}-[0-9a-f]{8}-\\d+-\\d+-[0-9a-f]{16}'
const wholeToken = new RegExp(`^${tokenPattern}$`)

/** `unknown`: from here it cannot be seen, as it runs in another container. */
export type State = 'alive' | 'dead' | 'unknown'

const boot = digest(attempt(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()))
const namespace = digest(attempt(() => fs.readlinkSync('/proc/self/ns/pid')) || os.hostname())

/** This process, under a new name. */
export function newToken(): Token {
  const { pid } = process
  return [boot, namespace, pid, processStart(pid) || 0, randomBytes(8).toString('hex')].join('-')
}

/** What has become of it. Whoever is dead stays so. */
export function stateOf(token: Token): State {
  if (!wholeToken.test(token)) return 'unknown'
  const [itsBoot, itsNamespace, pid, itsStart] = token.split('-') as [string, string, string, string]
  if (itsBoot !== boot) return 'dead'
  if (itsNamespace !== namespace) return 'unknown'
  if (!isRunning(Number(pid))) return 'dead'
  const start = processStart(Number(pid))
  return itsStart === '0' || start === '' || start === itsStart ? 'alive' : 'dead'
}

/** The process that holds it, for a message. */
export function pidIn(token: Token): string {
  return token.split('-')[2] ?? '?'
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there and somebody else's.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/**
 * The 22nd field of /proc/<pid>/stat, or `gone` for a process that was killed and not yet fetched by its parent: it keeps its id
 * and does nothing any more.
 */
function processStart(pid: number): string {
  const stat = attempt(() => fs.readFileSync(`/proc/${pid}/stat`, 'latin1'))
  // The second field, in parentheses, is the name of the program and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, threads, start] = [fields[0], fields[17], fields[19]]
  if ((state === 'Z' || state === 'X') && Number(threads) <= 1) return 'gone'
  return start ?? ''
}

function attempt(ask: () => string): string {
  try {
    return ask()
  } catch {
    return ''
  }
}
