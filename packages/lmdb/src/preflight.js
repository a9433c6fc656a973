// What LMDB's client must not meet: when it fails to open an environment it ends the whole process (seen with lmdb 3.2 to 3.5.6).
// So whatever can make it fail is tried before, with the system's own errors.
import { randomUUID } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** Where the first page has LMDB's mark, its version, and the size of pages. */
const markAt = 24
const mark = 0xbeefc0de
const versionAt = 28
const knownVersion = 2
const pageSizeAt = 48
/** A new environment's first pages. */
const room = 65_536
/** Each process takes one reader's place for each environment that it has open. */
export const maxReaders = 1024
/** A lock: the places of its readers, 64 bytes each, and a page before them. LMDB takes a larger one than it needs as it is. */
const lockSize = 4096 + 64 * maxReaders

/**
 * Makes the folders above the file, and throws if the environment could not be opened.
 * @param {string} path
 */
export function requireOpenable(path) {
  mkdirSync(dirname(path), { recursive: true })
  requireDatabase(path)
  requireLock(`${path}-lock`)
}

/**
 * There, it is looked at, and not opened: to close the file would end the locks that another environment of this process has on it.
 * @param {string} path
 */
function requireLock(path) {
  const lock = statSync(path, { throwIfNoEntry: false })
  if (lock === undefined) return makeLock(path)
  if (!lock.isFile()) throw new Error('the lock is no file')
  accessSync(path, constants.R_OK | constants.W_OK)
}

/**
 * LMDB makes its lock of holes, and maps it into memory. What is written into a hole while the disk is full ends the process: that which
 * opens, or one that reads, when it is the first whose place is in that page. So it is made before, whole; and at once, since others may
 * be opening it.
 * @param {string} path
 */
function makeLock(path) {
  const whole = `${path}-${randomUUID()}`
  try {
    writeZeros(whole, lockSize)
    linkSync(whole, path)
  } catch (error) {
    const { code = '' } = /** @type {NodeJS.ErrnoException} */ (error)
    if (!isFineWithoutLink.has(code)) throw error
  } finally {
    rmSync(whole, { force: true })
  }
}

/** Another was faster; or the file system knows no links, and LMDB makes its own. */
const isFineWithoutLink = new Set(['EEXIST', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** @param {string} path */
function requireDatabase(path) {
  const file = openSync(path, 'a+')
  try {
    if (fstatSync(file).size === 0) requireRoom(`${path}-new-${process.pid}`)
    else requireMark(file)
  } finally {
    closeSync(file)
  }
}

/** @param {number} file */
function requireMark(file) {
  const head = Buffer.alloc(64)
  readSync(file, head, 0, head.length, 0)
  if (head.readUInt32LE(markAt) !== mark) throw new Error('the file is no LMDB database')
  const version = head.readUInt16LE(versionAt)
  if (version !== knownVersion) throw new Error(`the file has LMDB's data version ${version}; this client reads ${knownVersion}`)
  requireSize(file, 2 * head.readUInt32LE(pageSizeAt))
}

/**
 * Another process may be writing these very pages.
 * @param {number} file
 * @param {number} size
 */
function requireSize(file, size) {
  for (let waits = 0; fstatSync(file).size < size; waits++) {
    if (waits === 10) throw new Error('the file was cut off')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  }
}

/** @param {string} path of a file that is made, and removed */
function requireRoom(path) {
  try {
    writeZeros(path, room)
  } finally {
    rmSync(path, { force: true })
  }
}

/**
 * @param {string} path
 * @param {number} size
 */
function writeZeros(path, size) {
  const file = openSync(path, 'w', 0o664)
  try {
    const bytes = Buffer.alloc(size)
    for (let written = 0; written < size; ) written += writeSync(file, bytes, written)
  } finally {
    closeSync(file)
  }
}
