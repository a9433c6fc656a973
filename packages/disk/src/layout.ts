import { createHash } from 'node:crypto'
import { join, sep } from 'node:path'
import { tokenPattern } from './owner.ts'

/**
 * Where things lie in the folder of a bank:
 *
 *     owners/<token>                  one file for each process that writes, see owner.ts, and a `.spare`
 *     <h>/<h>/<hash>                  a session
 *     <h>/<h>/<hash>.lock             held while the session beside it is written or removed, see locks.ts
 *     <h>/<h>/<hash>.lock.break       held while a lock of a dead process is removed; may itself have a `.break`
 *     <h>/<h>/<token>-<number>.tmp    a session on its way
 *
 * The hash is the SHA-256 of the id, in hexadecimal since file systems may ignore case; `h` is its first digit, then its second:
 * 256 folders hold a million sessions in lots of 4,000. Other names are nobody's of ours and never touched.
 */
export const ownersFolder = 'owners'

const digits = [...'0123456789abcdef']

/** The folders in which sessions lie, whether they exist or not. */
export function shardFolders(root: string): string[] {
  return digits.flatMap((first) => digits.map((second) => join(root, first, second)))
}

export interface Spot {
  readonly folder: string
  readonly path: string
  readonly lock: string
}

/** UTF-16, since UTF-8 makes the same of every half of a surrogate pair. */
export function hashOf(id: string): string {
  return createHash('sha256').update(id, 'utf16le').digest('hex')
}

/** Finds the places of ids; remembers those of the last ids, since a request asks for its own several times. */
export class Spots {
  readonly #root: string
  readonly #known = new Map<string, Spot>()

  constructor(root: string) {
    this.#root = root
  }

  of(id: string): Spot {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const hash = hashOf(id)
    const folder = join(this.#root, hash[0]!, hash[1]!)
    const path = `${folder}${sep}${hash}`
    const spot = { folder, path, lock: `${path}.lock` }
    if (this.#known.size >= 4_096) this.#known.clear()
    if (id.length < 1_024) this.#known.set(id, spot)
    return spot
  }
}

/** What a name in such a folder is. */
export type Kind = 'session' | 'lock' | 'temporary' | 'foreign'

export function kindOf(name: string): Kind {
  if (/^[0-9a-f]{64}$/.test(name)) return 'session'
  if (/^[0-9a-f]{64}\.lock(\.break)*$/.test(name)) return 'lock'
  return temporary.test(name) ? 'temporary' : 'foreign'
}

const temporary = new RegExp(`^(${tokenPattern})-\\d+\\.tmp$`)
const owner = new RegExp(`^(${tokenPattern})(\\.spare)?$`)

/** The process that the name of a temporary file or of an owner file tells of; '' if it is neither. */
export function tokenOf(name: string): string {
  return temporary.exec(name)?.[1] ?? owner.exec(name)?.[1] ?? ''
}
