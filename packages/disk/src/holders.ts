import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { codeIn } from './errors.ts'

/**
 * The name of a thread that writes: `<boot>-<namespace>-<pid>-<thread>-<start>-<random>`. It is part of each file that the thread may
 * leave behind, so a crash cannot separate the two. Unlike a process id, it is never used again.
 *
 * The boot of the machine, and the namespace in which process ids are valid (a container has its own), are digests. The thread and
 * the time of its start are those of the system. Without /proc the start is 0, and the thread is 0 if it is a worker.
 */
export const HOLDER_PATTERN = '[0-9a-f]{8}-[0-9a-f]{8}-\\d+-\\d+-\\d+-[0-9a-f]{8}'
const HOLDER = new RegExp(`^${HOLDER_PATTERN}$`)

const boot = digest(attempt(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()))
const namespace = digest(attempt(() => fs.readlinkSync('/proc/self/ns/pid')) || os.hostname())

/** The name of this thread. */
export const currentHolder = nameOfThisThread()

function nameOfThisThread(): string {
  const thread = attempt(() => fs.readlinkSync('/proc/thread-self')).split('/')[2] ?? (isMainThread ? `${process.pid}` : '0')
  const start = startOf(`${process.pid}`, thread) ?? '0'
  return [boot, namespace, process.pid, thread, start, randomBytes(4).toString('hex')].join('-')
}

/**
 * `invisible`: the state of the holder is unknown. It is in another container, or the system has no /proc and a process has its process
 * id, perhaps a later one. A holder that has ended never runs again.
 */
export function stateOf(holder: string): 'running' | 'ended' | 'invisible' {
  if (holder === currentHolder) return 'running'
  if (!HOLDER.test(holder)) return 'invisible'
  const [itsBoot, itsNamespace, pid, thread, itsStart] = holder.split('-') as [string, string, string, string, string]
  if (itsBoot !== boot) return 'ended'
  if (itsNamespace !== namespace) return 'invisible'
  if (!isRunning(Number(pid))) return 'ended'
  if (itsStart === '0') return 'invisible'
  const start = startOf(pid, thread)
  // Some systems hide the processes of other users.
  if (start === undefined && !fs.existsSync(`/proc/${pid}/task`)) return 'invisible'
  return start === itsStart ? 'running' : 'ended'
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: the process runs under another user.
    return codeIn(error) !== 'ESRCH'
  }
}

/** The start of the thread; `ended` if it was killed and its parent has not collected its status yet. */
function startOf(pid: string, thread: string): string | undefined {
  const stat = attempt(() => fs.readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1'))
  // The second field, in parentheses, is the name of the program and may hold anything. The state is the third, the start the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ['Z', 'X'].includes(fields[0]!) ? 'ended' : fields[19]
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

function attempt(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
