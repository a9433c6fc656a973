import fs from 'node:fs'
import { basename } from 'node:path'
import { DatabankError } from 'connect-databank/backend'
import { codeIn } from './errors.ts'
import { removeFile } from './files.ts'
import { currentHolder, stateOf } from './holders.ts'

/**
 * The locks between processes and threads, also if one of them is killed.
 *
 * 1. A session's file is replaced by renaming a complete file over it, or removed. Only a touch changes it, and only the expiry. So
 *    a reader, which takes no lock, finds the old session or the new one, complete.
 * 2. A thread that replaces or removes a session's file holds its lock while it reads the file and acts on it: `save`, `swap`, `delete`,
 *    `purge`, `clear`. So `swap` replaces the compared version, and `purge` removes only expired sessions.
 * 3. A lock is a symbolic link whose target is the name of its holder, which is a thread. Creating one fails if the name is taken, so
 *    one thread gets the lock. A lock names its holder from its creation.
 * 4. All work under a lock is synchronous and takes a few calls. Writing and syncing the new file takes time, and comes before.
 * 5. A killed process or a terminated thread leaves its lock, and perhaps a temporary file. Nobody waits for it: the thread that finds
 *    such a stale lock removes it. For this it holds the lock's own lock, `….break`, and checks again that the lock is stale.
 *    There is no race: a holder that has ended does nothing, so its lock stays until the holder of `….break` removes it, and that
 *    is one thread. If that is killed too, `….break` is a stale lock itself, with a `.break` of its own. Names of holders are
 *    random and never used again, so a later lock is never mistaken for a stale one.
 * 6. A touch takes no lock. It opens the file, checks that the session is unexpired, and writes the expiry to the file that it
 *    opened. If that file was replaced or removed meanwhile, the touch came first. A session that expires within the
 *    microseconds between the check and the write may be purged: the touch came too late.
 * 7. Whether a holder has ended is visible within one machine and process namespace. The holders of another container are not
 *    visible, and without /proc those whose process id is in use are not: their locks count as stale when they are a minute old.
 *    So a holder looks at the clock before it acts.
 */

/** The age at which the lock of an invisible holder is stale, and the limit for work under a lock, in milliseconds. */
const INVISIBLE_LIMIT = 60_000
const HOLD_LIMIT = 20_000
/** The age at which a temporary file of an invisible holder is abandoned, in milliseconds. */
const TEMPORARY_LIMIT = 3_600_000

export class Lock {
  readonly #path: string
  readonly #takenAt: number

  /** @param takenAt in epoch milliseconds, not later than the lock was taken */
  constructor(path: string, takenAt: number) {
    this.#path = path
    this.#takenAt = takenAt
  }

  /**
   * To be called right before the file is changed.
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
    if (!this.#isOld() || holderOf(this.#path) === currentHolder) removeFile(this.#path)
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
      fs.symlinkSync(currentHolder, path, 'junction')
      return new Lock(path, now)
    } catch (error) {
      if (codeIn(error) === 'ENOSPC' && makeSpace()) continue
      if (codeIn(error) !== 'EEXIST') throw error
    }
    // Left over when its removal failed: this thread does nothing else while it holds a lock.
    if (holderOf(path) === currentHolder) return new Lock(path, now - ageOf(path))
    if (!removeIfStale(path, makeSpace)) return null
  }
}

/** Returns whether the lock is gone. */
export function removeIfStale(path: string, makeSpace: () => boolean): boolean {
  const isStale = (): boolean => isOver(path, holderOf(path), INVISIBLE_LIMIT)
  if (!isStale()) return holderOf(path) === undefined
  const breaker = takeLock(`${path}.break`, makeSpace)
  if (breaker === null) return false
  try {
    if (isStale()) {
      breaker.check()
      removeFile(path)
    }
    return true
  } finally {
    breaker.release()
  }
}

/** Whether the holder of this temporary file, `<holder>-<number>.tmp`, has ended. */
export function isAbandoned(path: string): boolean {
  return isOver(path, basename(path).replace(/-\d+\.tmp$/, ''), TEMPORARY_LIMIT)
}

/** The error of an operation that has waited for the lock, for so many milliseconds, without success. */
export function heldTooLong(path: string, patience: number): DatabankError {
  const pid = holderOf(path)?.split('-')[2]
  const holder = pid === undefined ? 'another process' : `process ${pid}`
  return new DatabankError('DATABANK_UNAVAILABLE', `disk: ${holder} has held the session for ${patience} ms: ${path}`)
}

/** The holder that the lock names; undefined if there is no lock. */
function holderOf(path: string): string | undefined {
  try {
    // Windows makes the target an absolute path.
    return basename(fs.readlinkSync(path))
  } catch (error) {
    if (codeIn(error) === 'ENOENT') return undefined
    // Not a link: no holder.
    if (['EINVAL', 'UNKNOWN'].includes(codeIn(error))) return ''
    throw error
  }
}

/** Whether the holder has ended; for an invisible holder, whether its file is older than `limit`. */
function isOver(path: string, holder: string | undefined, limit: number): boolean {
  if (holder === undefined) return false
  const state = stateOf(holder)
  return state === 'ended' || (state === 'invisible' && ageOf(path) > limit)
}

function ageOf(path: string): number {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false })
  return stats === undefined ? 0 : Date.now() - stats.ctimeMs
}
