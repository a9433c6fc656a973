import fs, { constants } from 'node:fs'
import { dirname } from 'node:path'
import { codeIn } from './errors.ts'
import { decode, decodeExpires, EXPIRY_OFFSET, encodeExpires, HEAD_LENGTH, looksLikeOurs, type SessionRecord } from './records.ts'

/*
 * Calls are synchronous: on a small file in the system's cache they take 2 to 40 µs. Handing them to the thread pool costs several
 * times as much CPU. Only what waits for the disk itself, syncing, is asynchronous.
 */

/** A link is not followed, and a pipe is not waited for. */
const SAFELY = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const READ = constants.O_RDONLY | SAFELY
const READ_AND_WRITE = constants.O_RDWR | SAFELY
/** Codes of what is no regular file: a link, a pipe, a socket, a directory. */
const NO_FILE = ['ELOOP', 'EMLINK', 'ESPIPE', 'ENXIO', 'EISDIR']
/** What is longer cannot be a string. */
const LARGEST_FILE = 2 ** 29 - 1024
/** A read beside a touch may get a part of it; this happened once in two million reads. So damage is believed when it is read again. */
const READS_OF_DAMAGE = 3

/** Reused: nothing waits between filling and using it. */
const scratch = Buffer.allocUnsafeSlow(65_536)

/** Why a path holds no session. */
export interface Unusable {
  readonly unusable: string
}

/** The session in this file; null if there is no file. */
export function readSession(path: string): SessionRecord | Unusable | null {
  return onFile(path, READ, (fd) => {
    let record = decode(readAll(fd))
    for (let reads = 1; typeof record === 'string' && reads < READS_OF_DAMAGE; reads++) record = decode(readAll(fd))
    return typeof record === 'string' ? { unusable: record } : record
  })
}

/** The expiry of the session in this file. The rest of the file is not read. */
export function readExpires(path: string): { readonly expires: number | null } | Unusable | null {
  return onFile(path, READ, expiresOf)
}

/**
 * Changes the expiry of the session in this file, if it is unexpired at `now`. If the file is replaced at the same time, the old file
 * is changed: the touch came first.
 */
export function touchFile(path: string, expires: number | null, now: number): void {
  onFile(path, READ_AND_WRITE, (fd) => {
    const current = expiresOf(fd)
    if ('expires' in current && !isPast(current.expires, now)) fs.writeSync(fd, encodeExpires(expires), EXPIRY_OFFSET, 'latin1')
  })
}

export function isPast(expires: number | null, now: number): boolean {
  return expires !== null && expires <= now
}

/** Whether this store wrote the file, intact or not. */
export function isOurs(path: string): boolean {
  if (!fs.lstatSync(path, { throwIfNoEntry: false })?.isFile()) return false
  return onFile(path, READ, (fd) => looksLikeOurs(readHead(fd))) === true
}

/** Writes a new file, for its owner alone. */
export function writeFile(path: string, bytes: Buffer): void {
  const fd = fs.openSync(path, 'wx', 0o600)
  try {
    writeAll(fd, bytes)
  } catch (error) {
    removeFile(path)
    throw error
  } finally {
    fs.closeSync(fd)
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

/**
 * Creates what is missing of the path, for its owner alone. Not with `recursive`, which reports a read-only file system as ENOENT,
 * and never returns for a path in /proc.
 */
export function makeDirectory(path: string): void {
  if (isDirectory(path)) return
  try {
    fs.mkdirSync(path, 0o700)
  } catch (error) {
    if (codeIn(error) === 'ENOENT' && dirname(path) !== path && !isDirectory(dirname(path))) {
      makeDirectory(dirname(path))
      makeDirectory(path)
    } else if (!isDirectory(path)) throw error
  }
}

/** Has the system write a file to the disk, if it still exists. */
export async function syncFile(path: string): Promise<void> {
  try {
    // Windows syncs only what is open for writing.
    await sync(path, 'r+')
  } catch (error) {
    if (codeIn(error) !== 'ENOENT') throw error
  }
}

/** Has the system write the names in a directory to the disk. Windows does so by itself and cannot be asked. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform !== 'win32') await sync(path, 'r')
}

async function sync(path: string, flags: string): Promise<void> {
  const handle = await fs.promises.open(path, flags)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isDirectory(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function onFile<Result>(path: string, flags: number, act: (fd: number) => Result): Result | Unusable | null {
  let fd: number | undefined
  try {
    fd = fs.openSync(path, flags)
    return act(fd)
  } catch (error) {
    if (fd === undefined && codeIn(error) === 'ENOENT') return null
    if (NO_FILE.includes(codeIn(error))) return { unusable: 'it is not a file' }
    throw error
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}

function expiresOf(fd: number): { readonly expires: number | null } | Unusable {
  for (let reads = 0; reads < READS_OF_DAMAGE; reads++) {
    const expires = decodeExpires(readHead(fd))
    if (expires !== undefined) return { expires }
  }
  return { unusable: 'the file is damaged' }
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
  for (let read = -1; read !== 0 && end < size; end += read) read = fs.readSync(fd, bytes, end, size - end, end)
  return bytes.subarray(0, end)
}

/** A nearly full disk takes a part of the bytes, and says so only in the number that it returns. */
function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at, bytes.length - at)
}
