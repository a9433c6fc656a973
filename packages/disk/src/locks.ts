import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import { basename } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { DatabankError } from 'connect-databank/backend'
import { codeIn } from './errors.ts'
import { removeFile } from './files.ts'

/**
 * How processes and threads are kept apart, and what happens when one of them is killed.
 *
 * 1. A session's file is replaced by renaming a complete file over it, or removed. Only a touch changes it, and only the expiry. So
 *    a reader, which takes no lock, finds the old session or the new one, complete.
 * 2. Who replaces or removes a session's file holds its lock while it reads the file and acts on it: `save`, `swap`, `delete`,
 *    `purge`, `clear`. So `swap` replaces what it compared, and `purge` removes only what it saw expired.
 * 3. A lock is a symbolic link whose target is the name of its holder, which is a thread. Creating one fails if the name is taken, so
 *    one thread gets the lock. From its first moment on the lock names its holder.
 * 4. All work under a lock is synchronous and takes a few calls. What takes time, writing and syncing the new file, comes before.
 * 5. A killed process or a terminated thread leaves its lock, and perhaps a temporary file. Nobody waits for it: the thread that meets
 *    such a stale lock removes it. For this it holds the lock's own lock, `….break`, and checks again that the lock is stale.
 *    There is no race: a holder that has ended does nothing, so its lock stays until the holder of `….break` removes it, and that
 *    is one thread. If that is killed too, `….break` is a stale lock itself, with a `.break` of its own. Names of holders are
 *    random and never used again, so a later lock is never mistaken for a stale one.
 * 6. A touch takes no lock. It opens the file, checks that the session is unexpired, and writes the expiry to the file that it
 *    opened. If that file was replaced or removed meanwhile, the touch came first. A session that expires within the
 *    microseconds between the check and the write may be purged: the touch came too late.
 * 7. Whether a holder has ended is visible within one machine and process namespace. The holders of another container are not
 *    visible: their locks count as stale when they are a minute old. So a holder looks at the clock before it acts.
 */

/** When the lock of a holder that is not visible is stale, and how long work under a lock may take, in milliseconds. */
const INVISIBLE_LIMIT = 60_000
const HOLD_LIMIT = 20_000
/** When nobody needs a temporary file of a holder that is not visible any more, in milliseconds. */
const TEMPORARY_LIMIT = 3_600_000
/** Ten threads in a row would have to be killed at the moment when each removes the lock of the one before. */
const LONGEST_SUFFIX = '.lock'.length + '.break'.length * 10

export class Lock {
  readonly #path: string
  readonly #takenAt: number

  /** @param takenAt in epoch milliseconds, not later than the lock was taken */
  constructor(path: string, takenAt: number) {
    this.#path = path
    this.#takenAt = takenAt
  }

  /**
   * Call it right before the act that the lock is for.
   *
   * @throws DATABANK_UNAVAILABLE if the lock is so old that others may have removed it
   */
  check(): void {
    if (!this.#isOld()) return
    throw new DatabankError(
      'DATABANK_UNAVAILABLE',
      'disk: the process was stopped for so long that its lock may have been removed',
    )
  }

  release(): void {
    if (!this.#isOld() || holderOf(this.#path) === currentHolder()) removeFile(this.#path)
  }

  #isOld(): boolean {
    return Date.now() - this.#takenAt > HOLD_LIMIT
  }
}

/**
 * Returns the lock, or null while another thread holds it. Throws ENOENT if the directory does not exist.
 *
 * @param makeSpace called if the file system is full; returns whether it made space
 */
export function takeLock(path: string, makeSpace: () => boolean): Lock | null {
  for (;;) {
    const now = Date.now()
    try {
      // On Windows a junction needs no rights, a symbolic link does.
      fs.symlinkSync(currentHolder(), path, 'junction')
      return new Lock(path, now)
    } catch (error) {
      if (codeIn(error) === 'ENOSPC' && makeSpace()) continue
      if (codeIn(error) !== 'EEXIST') throw error
    }
    // Left over when its removal failed: this thread does nothing else while it holds a lock.
    if (holderOf(path) === currentHolder()) return new Lock(path, now - ageOf(path))
    if (!removeIfStale(path, makeSpace)) return null
  }
}

/** Returns whether the lock is gone. */
export function removeIfStale(path: string, makeSpace: () => boolean): boolean {
  if (!isStale(path)) return holderOf(path) === undefined
  if (path.length > path.lastIndexOf('.lock') + LONGEST_SUFFIX) return false
  const breaker = takeLock(`${path}.break`, makeSpace)
  if (breaker === null) return false
  try {
    if (isStale(path)) {
      breaker.check()
      removeFile(path)
    }
    return true
  } finally {
    breaker.release()
  }
}

/** Whether nobody will complete this temporary file, `<holder>-<number>.tmp`. */
export function isAbandoned(path: string): boolean {
  const holder = basename(path).replace(/-\d+\.tmp$/, '')
  const state = stateOf(holder)
  return state === 'ended' || (state === 'invisible' && ageOf(path) > TEMPORARY_LIMIT)
}

/** Who holds the lock, for a message. */
export function describeHolder(path: string): string {
  const holder = holderOf(path)
  return holder === undefined ? 'another process' : `process ${holder.split('-')[2] ?? '?'}`
}

/** The holder that the lock names; undefined if there is no lock. */
function holderOf(path: string): string | undefined {
  try {
    // Windows makes the target an absolute path.
    return basename(fs.readlinkSync(path))
  } catch (error) {
    if (codeIn(error) === 'ENOENT') return undefined
    // No link: nobody's.
    if (['EINVAL', 'UNKNOWN'].includes(codeIn(error))) return ''
    throw error
  }
}

function isStale(path: string): boolean {
  const holder = holderOf(path)
  if (holder === undefined) return false
  const state = stateOf(holder)
  return state === 'ended' || (state === 'invisible' && ageOf(path) > INVISIBLE_LIMIT)
}

function ageOf(path: string): number {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false })
  return stats === undefined ? 0 : Date.now() - stats.ctimeMs
}

/**
 * A thread that writes, as it names itself to others: `<boot>-<namespace>-<pid>-<thread>-<start>-<random>`. The name is part of
 * each file that the thread may leave behind, so a crash cannot separate the two. It is never used again, as process ids are.
 *
 * The boot of the machine, and the namespace in which process ids are valid (a container has its own), are digests. The thread and
 * the time of its start are those of the system. Without /proc the start is 0, and the thread is 0 if it is a worker.
 */
export const HOLDER_PATTERN = '[0-9a-f]{8}-[0-9a-f]{8}-\\d+-\\d+-\\d+-[0-9a-f]{8}'
const HOLDER = new RegExp(`^${HOLDER_PATTERN}$`)

/** `invisible`: it runs in another container, or as a worker on a system without /proc. */
export type HolderState = 'running' | 'ended' | 'invisible'

/** The name of this thread. */
export const currentHolder = once(() => {
  const { boot, namespace } = machine()
  const thread = attempt(() => fs.readlinkSync('/proc/thread-self')).split('/')[2] ?? (isMainThread ? `${process.pid}` : '0')
  const start = threadStat(`${process.pid}`, thread)?.start ?? '0'
  return [boot, namespace, process.pid, thread, start, randomBytes(4).toString('hex')].join('-')
})

const machine = once(() => ({
  boot: digest(attempt(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim())),
  namespace: digest(attempt(() => fs.readlinkSync('/proc/self/ns/pid')) || os.hostname()),
}))

/** A holder that has ended stays so. */
export function stateOf(holder: string): HolderState {
  if (!HOLDER.test(holder)) return 'invisible'
  const [boot, namespace, pid, thread, start] = holder.split('-') as [string, string, string, string, string]
  if (boot !== machine().boot) return 'ended'
  if (namespace !== machine().namespace) return 'invisible'
  if (!isRunning(Number(pid))) return 'ended'
  if (start === '0') return thread === pid ? 'running' : 'invisible'
  const stat = threadStat(pid, thread)
  // Some systems hide the processes of other users.
  if (stat === undefined) return fs.existsSync(`/proc/${pid}/task`) ? 'ended' : 'invisible'
  return stat.start === start && !stat.hasEnded ? 'running' : 'ended'
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, and belongs to another user.
    return codeIn(error) !== 'ESRCH'
  }
}

/** `hasEnded`: it was killed, and its parent has not asked for its status yet. */
function threadStat(pid: string, thread: string): { start: string; hasEnded: boolean } | undefined {
  const stat = attempt(() => fs.readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1'))
  // The second field, in parentheses, is the name of the program and may hold anything. The state is the third, the start the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, start] = [fields[0]!, fields[19]]
  return start === undefined ? undefined : { start, hasEnded: state === 'Z' || state === 'X' }
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

function once<Value>(make: () => Value): () => Value {
  let value: Value | undefined
  return () => {
    value ??= make()
    return value
  }
}
