import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { join, sep } from 'node:path'
import { LruCache, type SharedTimeSlice } from 'connect-databank/backend'
import { codeIn } from './errors.ts'
import { HOLDER_PATTERN } from './locks.ts'

/**
 * The files in the directory of a bank:
 *
 *     <h>/<h>/<hash>                  a session
 *     <h>/<h>/<hash>.lock             held while the session beside it is replaced or removed; see locks.ts
 *     <h>/<h>/<hash>.lock.break       held while a stale lock is removed; may itself have a `.break`
 *     <h>/<h>/<holder>-<number>.tmp   a session that is being written
 *     reserve                         an empty file: its removal makes space for a lock on a full file system
 *
 * The hash is the SHA-256 of the id, in hexadecimal because file systems may ignore case. `h` is its first digit, then its second:
 * 256 directories hold a million sessions, 4,000 each. Files of other names do not belong to this store and are never touched.
 */
export interface SessionPaths {
  readonly directory: string
  readonly session: string
  readonly lock: string
}

/** Somebody must be told that a file is ignored, and why. */
export type WarnOfFile = (path: string, reason: string) => void

export type FileKind = 'session' | 'lock' | 'temporary'

export interface Found extends SessionPaths {
  readonly path: string
  readonly name: string
  readonly kind: FileKind
}

const DIGITS = [...'0123456789abcdef']
/** A request uses the paths of its id several times. */
const KEPT_PATHS = 8_192

const TEMPORARY = new RegExp(`^(${HOLDER_PATTERN})-\\d+\\.tmp$`)

export class Layout {
  readonly root: string
  readonly #kept = new LruCache<SessionPaths>(KEPT_PATHS, () => 1)

  constructor(root: string) {
    this.root = root
  }

  get reserve(): string {
    return join(this.root, 'reserve')
  }

  pathsOf(id: string): SessionPaths {
    const kept = this.#kept.get(id)
    if (kept !== undefined) return kept
    const hash = hashOf(id)
    const paths = pathsIn(join(this.root, hash[0]!, hash[1]!), hash)
    this.#kept.set(id, paths)
    return paths
  }

  /** This store's files in the directories of sessions, in time slices. A file may be gone when the caller comes to it. */
  async *files(slice: SharedTimeSlice, warn: WarnOfFile): AsyncGenerator<Found> {
    // Fails here if the root itself is not a directory.
    if (namesIn(this.root) === null) return
    for (const directory of DIGITS.flatMap((first) => DIGITS.map((second) => join(this.root, first, second)))) {
      await slice.wait()
      for (const name of this.#namesOf(directory, warn)) {
        const turn = slice.wait()
        if (turn !== undefined) await turn
        const path = `${directory}${sep}${name}`
        const kind = kindOf(name)
        if (kind === null) warn(path, 'its name is not one of this store')
        else yield { ...pathsIn(directory, name), path, name, kind }
      }
    }
  }

  #namesOf(directory: string, warn: WarnOfFile): string[] {
    try {
      return namesIn(directory) ?? []
    } catch (error) {
      if (codeIn(error) !== 'ENOTDIR') throw error
      warn(directory, 'it is not a directory')
      return []
    }
  }
}

/** Of the id as UTF-16, as the first versions did. */
export function hashOf(id: string): string {
  return createHash('sha256').update(id, 'utf16le').digest('hex')
}

/** The holder that the name of a temporary file names. */
export function holderOfTemporary(name: string): string {
  return TEMPORARY.exec(name)?.[1] ?? ''
}

/** Null if this store does not use such a name. */
function kindOf(name: string): FileKind | null {
  if (/^[0-9a-f]{64}$/.test(name)) return 'session'
  if (/^[0-9a-f]{64}\.lock(\.break)*$/.test(name)) return 'lock'
  return TEMPORARY.test(name) ? 'temporary' : null
}

function pathsIn(directory: string, hash: string): SessionPaths {
  const session = `${directory}${sep}${hash}`
  return { directory, session, lock: `${session}.lock` }
}

/** Null if there is no such directory. Not handed to the thread pool: 256 times there and back takes longer than most directories. */
function namesIn(directory: string): string[] | null {
  try {
    return fs.readdirSync(directory)
  } catch (error) {
    if (codeIn(error) === 'ENOENT') return null
    throw error
  }
}
