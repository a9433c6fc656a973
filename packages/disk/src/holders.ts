import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { codeIn } from './errors.ts'

/**
 * A thread that writes, as it names itself to others: `<boot>-<namespace>-<pid>-<thread>-<start>-<random>`. The name is part of
 * each file that the thread may leave behind, so a crash cannot separate the two. It is never used again, as process ids are.
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
 * A holder that has ended stays so. `invisible`: it may run or not. It is in another container, or the system has no /proc and a
 * process has its process id, perhaps a later one.
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
    // EPERM: it runs, and belongs to another user.
    return codeIn(error) !== 'ESRCH'
  }
}

/** When the thread began; `ended` if it was killed, and its parent has not asked for its status yet. */
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
