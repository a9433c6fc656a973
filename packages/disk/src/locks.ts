import fs from 'node:fs'
import { DatabankError } from 'connect-databank'
import { codeIn } from './failure.ts'
import { type Home, readOwner, removeIfThere } from './home.ts'
import { pidIn, stateOf } from './owner.ts'

/**
 * How processes keep out of each other's way, and what is left when one of them is killed.
 *
 * 1. A session file is never altered. It is replaced by renaming a complete file over it, or unlinked. So a reader, which takes
 *    no lock, finds the old one or the new one, whole.
 * 2. Whoever replaces or unlinks a session's file holds its lock while he looks at what is there and acts on it: save, swap,
 *    delete, purge, clear. So what swap compared is what it replaces, and purge unlinks only what it saw dead.
 * 3. A lock is a hard link to the owner file of its process. `link` fails if the name is taken, so one gets it; and from its
 *    first moment on the lock tells whose it is, which a file that is created and then written does not.
 * 4. All work under a lock is synchronous and a few calls long. What takes time, writing and syncing the new file, comes before.
 * 5. A process that was killed leaves a lock whose owner is dead, and temporary files. Nobody waits for the dead: whoever meets
 *    the lock removes it, holding the lock's own lock, `….break`, and after seeing once more, under it, that the owner is
 *    dead. That is free of races: a dead process does nothing to its lock, so it stays in its place until the holder of
 *    `.break` removes it, and there is only one such holder. If that one is killed too, `.break` is a stale lock like any other
 *    and has a `.break` of its own. Tokens are random and never come back, so no later lock can be taken for the dead one's.
 * 6. A touch takes no lock. It opens the file, sees that the session lives, and sets the time of the file that it has opened: if
 *    that was replaced or unlinked meanwhile, the touch goes where the old file goes. It came before the write then. A session
 *    that dies within the few microseconds between its look and its act may be purged in spite of it: the touch came too late.
 * 7. Whether the owner is dead is plain to see for a process of the same machine and process namespace. One of another container
 *    cannot be seen: its lock is taken for stale when its owner has neither taken nor released any lock for a minute. Lest such
 *    a process wakes up and goes on, it looks at the clock before it acts.
 */

/** How long a lock whose owner cannot be seen may stand, and how long work under a lock may take, in milliseconds. */
const unseenLimit = 60_000
const holdLimit = 20_000

/** Ten processes in a row would have to be killed in the same moment of breaking each other's lock. */
const longestName = '.lock'.length + '.break'.length * 10

export class Lock {
  readonly #path: string
  readonly #home: Home
  readonly #taken = Date.now()

  constructor(path: string, home: Home) {
    this.#path = path
    this.#home = home
  }

  /** Call it right before the act that the lock is for. @throws DATABANK_UNAVAILABLE if others may have given us up for dead */
  check(): void {
    if (!this.#isOld()) return
    throw new DatabankError('DATABANK_UNAVAILABLE', 'the process was stopped for so long that its lock may have been removed')
  }

  release(): void {
    if (!this.#isOld() || isOurs(this.#path, this.#home)) removeIfThere(this.#path)
    this.#home.takeRoom()
  }

  #isOld(): boolean {
    return Date.now() - this.#taken > holdLimit
  }
}

/** The lock, or null while somebody holds it who is not dead. Throws ENOENT if the folder or our owner file is gone. */
export function take(home: Home, path: string): Lock | null {
  const { file } = home.presence()
  for (;;) {
    try {
      fs.linkSync(file, path)
      return new Lock(path, home)
    } catch (error) {
      if (codeIn(error) === 'ENOSPC' && home.makeRoom()) continue
      if (codeIn(error) !== 'EEXIST') throw error
    }
    // Ours, and we are not at work: left over when removing it failed.
    if (isOurs(path, home)) return new Lock(path, home)
    if (!removeIfStale(home, path)) return null
  }
}

/** Answers whether the lock is gone. */
export function removeIfStale(home: Home, path: string): boolean {
  if (!isStale(path)) return !fs.existsSync(path)
  if (path.length > path.lastIndexOf('.lock') + longestName) return false
  const breaker = take(home, `${path}.break`)
  if (breaker === null) return false
  try {
    if (isStale(path)) {
      breaker.check()
      removeIfThere(path)
    }
    return true
  } finally {
    breaker.release()
  }
}

/** Who holds the lock, for a message. */
export function holderOf(path: string): string {
  const owner = readOwner(path)
  return owner === undefined ? 'another process' : `process ${pidIn(owner)}`
}

function isOurs(path: string, home: Home): boolean {
  return readOwner(path) === home.presence().token
}

function isStale(path: string): boolean {
  const owner = readOwner(path)
  if (owner === undefined) return false
  const state = stateOf(owner)
  return state === 'dead' || (state === 'unknown' && isQuiet(path))
}

/** A lock is a link to its owner's file, whose change time is that of the last link that was made or removed. */
function isQuiet(path: string): boolean {
  const stats = fs.statSync(path, { throwIfNoEntry: false })
  return stats !== undefined && Date.now() - stats.ctimeMs > unseenLimit
}
