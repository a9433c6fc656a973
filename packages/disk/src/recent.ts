import type { Stats } from 'node:fs'
import { deathIn, versionIn } from './death.ts'
import type { FileRecord } from './record.ts'

/** The most characters of payloads that are kept, in two halves. */
const half = 8_388_608

interface Kept {
  readonly inode: number
  readonly version: number
  readonly record: FileRecord
}

/**
 * The contents of files that were read or written a short while ago. A file of ours is never altered, only replaced by another
 * one, with another inode and another random version in its access time (see death.ts). So one look at what the system says of
 * the file tells whether its content is known, whoever has replaced or touched it meanwhile: it costs a fifth of reading it.
 *
 * When the newer half is full it becomes the older one, whose contents are forgotten.
 */
export class Recent {
  #newer = new Map<string, Kept>()
  #older = new Map<string, Kept>()
  #size = 0

  /** The session in this file, of which the system says `stats`; undefined if it must be read. */
  get(path: string, stats: Stats): FileRecord | undefined {
    const kept = this.#newer.get(path) ?? this.#older.get(path)
    if (kept === undefined || kept.inode !== stats.ino || kept.version !== versionIn(stats)) return undefined
    const expires = deathIn(stats)
    if (expires === undefined) return undefined
    if (!this.#newer.has(path)) this.#keep(path, kept)
    return { ...kept.record, expires }
  }

  put(path: string, stats: Stats, record: FileRecord): void {
    const version = versionIn(stats)
    if (version === 0 || deathIn(stats) === undefined || record.payload.length > half / 16) return
    this.#keep(path, { inode: stats.ino, version, record })
  }

  delete(path: string): void {
    this.#older.delete(path)
    const kept = this.#newer.get(path)
    if (kept !== undefined) this.#size -= kept.record.payload.length
    this.#newer.delete(path)
  }

  #keep(path: string, kept: Kept): void {
    this.delete(path)
    this.#newer.set(path, kept)
    this.#size += kept.record.payload.length
    if (this.#size < half && this.#newer.size < 65_536) return
    this.#older = this.#newer
    this.#newer = new Map()
    this.#size = 0
  }
}
