// What LMDB's client must not meet: when it fails to open an environment it ends the whole process (seen with lmdb 3.2 to 3.5.6).
// So whatever can make it fail is tried before, with the system's own errors.
import { accessSync, closeSync, constants, fstatSync, mkdirSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Where the first page has LMDB's mark, its version, and the size of pages. */
const markAt = 24
const mark = 0xbeefc0de
const versionAt = 28
const knownVersion = 2
const pageSizeAt = 48
/** A new environment's first pages. */
const room = 65_536

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
 * Looks, and does not open: to close the file would end the locks that another environment of this process has on it.
 * @param {string} path
 */
function requireLock(path) {
  const lock = statSync(path, { throwIfNoEntry: false })
  if (lock === undefined) return
  if (!lock.isFile()) throw new Error('the lock is no file')
  accessSync(path, constants.R_OK | constants.W_OK)
}

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
  const file = openSync(path, 'w')
  try {
    const bytes = Buffer.alloc(room)
    for (let written = 0; written < room; ) written += writeSync(file, bytes, written)
  } finally {
    closeSync(file)
    rmSync(path, { force: true })
  }
}
