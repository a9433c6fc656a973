import fs, { constants } from 'node:fs'
import { join } from 'node:path'
import { deathIn, deathOf, isEarlier, isPast, newVersion, setDeath, setDeathInHeader, versionIn } from './death.ts'
import { codeIn } from './failure.ts'
import { type Presence, removeIfThere, writeAll } from './home.ts'
import type { RecentFiles } from './recent-files.ts'
import { decode, type FileRecord, looksLikeOurs } from './record.ts'

/** What a file is that lies where a session should and is none; null if nothing is there. */
export type NoSession = { readonly broken: string } | null

/**
 * Calls are synchronous: on a small file that the system has in its cache they take 2 to 40 µs each, while the same work handed
 * to the thread pool costs several times as much of the processor and gives a fifth of the throughput. What waits for the disk
 * itself, syncing, is asynchronous.
 *
 * A link or a pipe that somebody put there is neither followed nor waited for.
 */
const toRead = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
// Setting the time needs more on Windows.
const toTouch = process.platform === 'win32' ? constants.O_RDWR : toRead

// One for all, since nothing waits between filling and using it.
const scratch = Buffer.allocUnsafeSlow(65_536)
const largest = 2 ** 29 - 1024

/** The session in this file. */
export function readSession(path: string, recent?: RecentFiles): FileRecord | NoSession {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return null
  return (
    recent?.get(path, stats) ??
    onFile(path, toRead, (fd, stats) => {
      const record = decode(readBytes(fd, stats.size))
      if (typeof record === 'string') return { broken: record }
      recent?.put(path, stats, record)
      return { id: record.id, payload: record.payload, expires: deathOf(stats, record.expires) }
    })
  )
}

/** When the session in this file dies. Its time says it nearly always, without the file being opened. */
export function readDeath(path: string): { readonly expires: number | null } | NoSession {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return null
  const death = stats.isFile() ? deathIn(stats) : undefined
  return death === undefined ? readSession(path) : { expires: death }
}

/** Whether the file is of our making, intact or not. An empty one is what a power cut makes of a file. */
export function isOurs(path: string): boolean {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false })
  if (!stats?.isFile()) return false
  return (
    stats.size === 0 || deathIn(stats) !== undefined || onFile(path, toRead, (fd) => looksLikeOurs(readBytes(fd, 64))) === true
  )
}

/**
 * Moves the death of the session in this file, if it lives; answers false where that takes a new file. A file without a version
 * never gets a time earlier than the death in its header: so where nothing else tells, the later of both is the right one.
 */
export function touchFile(path: string, expires: number | null, latest: () => number): boolean {
  const moved = onFile(path, toTouch, (fd, stats) => {
    const version = versionIn(stats)
    const death = deathIn(stats)
    if (version !== 0 && death !== undefined) return isPast(death, Date.now()) || setDeath(fd, expires, latest(), version)
    const record = decode(readBytes(fd, stats.size))
    if (typeof record === 'string' || isPast(deathOf(stats, record.expires), Date.now())) return true
    return !isEarlier(expires, record.expires) && setDeath(fd, expires, latest(), version)
  })
  return moved !== false
}

let count = 0

/** A complete file that is not in its place yet. */
export interface Temporary {
  readonly path: string
  readonly stats: fs.Stats
}

/** Writes a complete file under a name of our own. */
export function writeTemporary(folder: string, presence: Presence, bytes: Buffer, expires: number | null): Temporary {
  const { token, latest } = presence
  const path = join(folder, `${token}-${++count}.tmp`)
  const fd = fs.openSync(path, 'wx', 0o600)
  try {
    writeAll(fd, bytes)
    if (!setDeath(fd, expires, latest, newVersion(latest))) setDeathInHeader(fd)
    return { path, stats: fs.fstatSync(fd) }
  } catch (error) {
    removeIfThere(path)
    throw error
  } finally {
    fs.closeSync(fd)
  }
}

/** Has the system write a file down, if it is there still. */
export async function syncFile(path: string): Promise<void> {
  try {
    // Windows syncs only what is open for writing.
    const handle = await fs.promises.open(path, 'r+')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (codeIn(error) !== 'ENOENT') throw error
  }
}

function onFile<Result>(path: string, flags: number, act: (fd: number, stats: fs.Stats) => Result): Result | NoSession {
  let fd: number
  try {
    fd = fs.openSync(path, flags)
  } catch (error) {
    if (codeIn(error) === 'ENOENT') return null
    if (['ELOOP', 'EMLINK', 'ENXIO', 'EISDIR'].includes(codeIn(error))) return { broken: 'it is no file' }
    throw error
  }
  try {
    const stats = fs.fstatSync(fd)
    return stats.isFile() ? act(fd, stats) : { broken: 'it is no file' }
  } finally {
    fs.closeSync(fd)
  }
}

/** They are valid until the next call. */
function readBytes(fd: number, size: number): Buffer {
  const begin = scratch.subarray(0, fs.readSync(fd, scratch, 0, Math.min(size, scratch.length), 0))
  if (size <= scratch.length || !looksLikeOurs(begin) || size > largest) return begin
  const bytes = Buffer.allocUnsafe(size)
  let end = 0
  for (let read = -1; read !== 0 && end < size; end += read) read = fs.readSync(fd, bytes, end, size - end, end)
  return bytes.subarray(0, end)
}
