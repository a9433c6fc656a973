import { hash } from 'node:crypto'
import fs from 'node:fs'
import { join, sep } from 'node:path'
import { LruCache, type SharedTimeSlice } from 'connect-databank/backend'
import { codeIn } from './errors.ts'
import { HOLDER_PATTERN } from './holders.ts'

/** Reports a file that is ignored, and the reason. */
export type WarnOfFile = (path: string, reason: string) => void

export interface Found {
  readonly path: string
  readonly kind: 'session' | 'lock' | 'temporary'
}

/** How many paths are cached: a request uses the path of its id several times. */
const KEPT_PATHS = 8_192
const DIGITS = [...'0123456789abcdef']

const TEMPORARY = new RegExp(`^${HOLDER_PATTERN}-\\d+\\.tmp$`)

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
export class Layout {
  readonly root: string
  readonly reserve: string
  readonly #kept = new LruCache<string>(KEPT_PATHS, () => 1)

  constructor(root: string) {
    this.root = root
    this.reserve = join(root, 'reserve')
  }

  /** The session's file. */
  pathOf(id: string): string {
    const kept = this.#kept.get(id)
    if (kept !== undefined) return kept
    const name = hashOf(id)
    const path = this.#directory(name[0]!, name[1]!) + sep + name
    this.#kept.set(id, path)
    return path
  }

  /** This store's files in the directories of sessions, in time slices. A file may be gone when the caller comes to it. */
  async *files(slice: SharedTimeSlice, warn: WarnOfFile): AsyncGenerator<Found> {
    if (this.#namesIn(this.root, warn).length === 0) return
    for (const directory of DIGITS.flatMap((first) => DIGITS.map((second) => this.#directory(first, second)))) {
      await slice.wait()
      for (const name of this.#namesIn(directory, warn)) {
        await slice.wait()
        const path = `${directory}${sep}${name}`
        const kind = kindOf(name)
        if (kind === null) warn(path, 'its name is not one of this store')
        else yield { path, kind }
      }
    }
  }

  #directory(first: string, second: string): string {
    return `${this.root}${sep}${first}${sep}${second}`
  }

  /** Synchronous: 256 round trips to the thread pool take longer than reading most directories. */
  #namesIn(directory: string, warn: WarnOfFile): string[] {
    try {
      return fs.readdirSync(directory)
    } catch (error) {
      if (codeIn(error) === 'ENOTDIR' && directory !== this.root) warn(directory, 'it is not a directory')
      else if (codeIn(error) !== 'ENOENT') throw error
      return []
    }
  }
}

/** Hashes the id as UTF-16, because in UTF-8 different malformed ids would be equal. */
export function hashOf(id: string): string {
  return hash('sha256', Buffer.from(id, 'utf16le'))
}

/** The kind of file with this name; null if this store does not use such names. */
function kindOf(name: string): Found['kind'] | null {
  if (/^[0-9a-f]{64}$/.test(name)) return 'session'
  if (/^[0-9a-f]{64}\.lock(\.break)*$/.test(name)) return 'lock'
  return TEMPORARY.test(name) ? 'temporary' : null
}
