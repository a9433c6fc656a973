import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'

/** A process that writes, as it tells of itself to the others. */
export interface Owner {
  /** Random: it never comes back, as process ids do. */
  readonly token: string
  readonly pid: number
  /** When the process began, in the system's own count; '' where the system does not tell. */
  readonly start: string
  /** The boot of this machine; '' where the system does not tell. */
  readonly boot: string
  /** Within which process ids mean the same: a container has its own. */
  readonly namespace: string
}

/** `unknown`: from here it cannot be seen, as it runs in another container. */
export type State = 'alive' | 'dead' | 'unknown'

const boot = attempt(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim())
const namespace = attempt(() => fs.readlinkSync('/proc/self/ns/pid')) || os.hostname()

/** This process, under a new token. */
export function newOwner(): Owner {
  const { pid } = process
  return { token: randomBytes(12).toString('hex'), pid, start: processStart(pid), boot, namespace }
}

export function encodeOwner(owner: Owner): string {
  return `${JSON.stringify(owner)}\n`
}

/** Null if this is no owner, as of a file that a crash of the machine left empty. */
export function decodeOwner(text: string): Owner | null {
  try {
    const { token, pid, start, boot, namespace } = JSON.parse(text)
    return { token: String(token), pid: Number(pid), start: String(start), boot: String(boot), namespace: String(namespace) }
  } catch {
    return null
  }
}

/** Whoever is dead stays so. */
export function stateOf(owner: Owner): State {
  if (owner.boot !== boot && owner.boot !== '' && boot !== '') return 'dead'
  if (owner.namespace !== namespace) return 'unknown'
  if (!isRunning(owner.pid)) return 'dead'
  const start = processStart(owner.pid)
  return owner.start === '' || start === '' || start === owner.start ? 'alive' : 'dead'
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
