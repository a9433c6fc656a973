import fs, { constants } from 'node:fs'
import { codeIn } from './errors.ts'
import {
  decode,
  decodeHead,
  EXPIRY_OFFSET,
  encodeExpires,
  FOREIGN,
  HEAD_LENGTH,
  type Head,
  looksLikeOurs,
  type SessionRecord,
} from './records.ts'

/*
 * Calls are synchronous: on a small file in the system's cache they take 2 to 40 µs. The thread pool costs several
 * times as much CPU. Only syncing, which waits for the disk itself, is asynchronous.
 */

/** The rights of a directory: for its owner alone. */
export const DIRECTORY_MODE = 0o700

/** A link is not followed, and a pipe is not waited for. */
const SAFELY = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const READ = constants.O_RDONLY | SAFELY
const READ_AND_WRITE = constants.O_RDWR | SAFELY
/** Codes for a path that is not a regular file: a link, a pipe, a socket, a directory. */
const NO_FILE = ['ELOOP', 'EMLINK', 'ESPIPE', 'ENXIO', 'EISDIR']
/** A longer file does not fit into a string. */
const LARGEST_FILE = 2 ** 29 - 1024
/** A read during a touch may get a part of it, as one of two million reads did. So a damaged file is read this many times. */
const READS_OF_DAMAGE = 3

/** Reused: nothing waits between filling and using it. */
const scratch = Buffer.allocUnsafeSlow(65_536)

/** Why a path holds no session. */
export interface Unusable {
  readonly unusable: string
}

/** The session in this file; null if there is no file. */
export function readSession(path: string): SessionRecord | Unusable | null {
  return onFile(path, READ, (fd) => decode(readAll(fd)))
}

/** The expiry of the session in this file. The rest of the file is not read. */
export function readExpires(path: string): Head | Unusable | null {
  return onFile(path, READ, (fd) => decodeHead(readHead(fd)))
}

/** The path, if this store wrote the file, intact or not. */
export function readOurs(path: string): { readonly path: string } | Unusable | null {
  return onFile(path, READ, (fd) => (looksLikeOurs(readHead(fd)) ? { path } : FOREIGN))
}

/**
 * Changes the expiry of the session in this file, if it is unexpired at `now`. If the file is replaced at the same time, the old file
 * is changed: the touch came first.
 */
export function touchFile(path: string, expires: number | null, now: number): void {
  onFile(path, READ_AND_WRITE, (fd) => {
    const head = decodeHead(readHead(fd))
    if (typeof head !== 'string' && !isPast(head, now)) fs.writeSync(fd, encodeExpires(expires), EXPIRY_OFFSET, 'latin1')
    return head
  })
}

export function isPast({ expires }: Head, now: number): boolean {
  return expires !== null && expires <= now
}

/** Writes a new file, for its owner alone. */
export function writeFile(path: string, bytes: Buffer): void {
  try {
    fs.writeFileSync(path, bytes, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (codeIn(error) !== 'EEXIST') removeFile(path)
    throw error
  }
}

/** Returns whether there was a file. */
export function removeFile(path: string): boolean {
  try {
    fs.unlinkSync(path)
    return true
  } catch (error) {
    if (codeIn(error) === 'ENOENT') return false
    throw error
  }
}

/** Flushes a file, or the names in a directory, to the disk, if it still exists. */
export async function sync(path: string, kind: 'file' | 'directory'): Promise<void> {
  // Windows syncs only files that are open for writing, and it syncs names by itself.
  if (process.platform === 'win32' && kind === 'directory') return
  try {
    const handle = await fs.promises.open(path, kind === 'file' ? 'r+' : 'r')
    await handle.sync().finally(() => handle.close())
  } catch (error) {
    if (codeIn(error) !== 'ENOENT') throw error
  }
}

/** The result of `read` on the file. `read` returns a string, the reason, if the content is unusable. */
function onFile<Result extends object>(
  path: string,
  flags: number,
  read: (fd: number) => Result | string,
): Result | Unusable | null {
  let fd: number | undefined
  try {
    fd = fs.openSync(path, flags)
    let result = read(fd)
    for (let reads = 1; typeof result === 'string' && reads < READS_OF_DAMAGE; reads++) result = read(fd)
    return typeof result === 'string' ? { unusable: result } : result
  } catch (error) {
    if (fd === undefined && codeIn(error) === 'ENOENT') return null
    if (NO_FILE.includes(codeIn(error))) return { unusable: 'it is not a file' }
    throw error
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}

/** The first characters. */
function readHead(fd: number): string {
  return scratch.toString('latin1', 0, fs.readSync(fd, scratch, 0, HEAD_LENGTH, 0))
}

/** All bytes. They are valid until the next call. */
function readAll(fd: number): Buffer {
  const begin = scratch.subarray(0, fs.readSync(fd, scratch, 0, scratch.length, 0))
  if (begin.length < scratch.length || !looksLikeOurs(begin.toString('latin1', 0, HEAD_LENGTH))) return begin
  const { size } = fs.fstatSync(fd)
  if (size > LARGEST_FILE) return begin
  const bytes = Buffer.allocUnsafe(size)
  let end = 0
  // Some file systems return less than was asked for.
  for (let read = -1; read !== 0 && end < size; end += read) read = fs.readSync(fd, bytes, end, size - end, end)
  return bytes.subarray(0, end)
}
