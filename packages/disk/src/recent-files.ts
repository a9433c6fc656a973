import type { Stats } from 'node:fs'
import { Recent } from 'connect-databank'
import { deathIn, versionIn } from './death.ts'
import type { FileRecord } from './record.ts'

/** How many characters of payloads are kept, each with as much as keeping it takes besides. */
const mostCharacters = 2 ** 24
const overhead = 128
/** A payload longer than this would drive out too many others. */
const longest = 2 ** 19

interface Kept {
  readonly inode: number
  readonly version: number
  readonly record: FileRecord
}

/**
 * The contents of files that were read or written a short while ago. A file of ours is never altered, only replaced by another
 * one, with another inode and another random version in its access time (see death.ts). So one look at what the system says of
 * the file tells whether its content is known, whoever has replaced or touched it meanwhile: it costs a fifth of reading it.
 */
export class RecentFiles {
  readonly #kept = new Recent<Kept>(mostCharacters, ({ record }) => record.payload.length + overhead)

  /** The session in this file, of which the system says `stats`; undefined if it must be read. */
  get(path: string, stats: Stats): FileRecord | undefined {
    const kept = this.#kept.get(path)
    if (kept === undefined || kept.inode !== stats.ino || kept.version !== versionIn(stats)) return undefined
    const expires = deathIn(stats)
    if (expires === undefined) return undefined
    return { ...kept.record, expires }
  }

  put(path: string, stats: Stats, record: FileRecord): void {
    const version = versionIn(stats)
    if (version === 0 || deathIn(stats) === undefined || record.payload.length > longest) return
    this.#kept.set(path, { inode: stats.ino, version, record })
  }

  delete(path: string): void {
    this.#kept.delete(path)
  }
}
