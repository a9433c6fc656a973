// Opens the environment and its tables: with rights to write in the writer's process, for reading alone in the one that it serves.
import { open } from 'lmdb'
import { formatKey, formatVersion, tableNames, tableOptions } from './format.js'
import { Gate } from './gate.js'
import { maxReaders, requireOpenable } from './preflight.js'
import { Room } from './room.js'

/**
 * @typedef {import('lmdb').Database<Buffer, Buffer>} Table
 * @typedef {{ sync(callback: (error: unknown) => void): void, info(): { lastPageNumber: number } }} Native
 * @typedef {import('lmdb').RootDatabase<Buffer, Buffer> & { env: Native }} Root
 * @typedef {{ root: Root, about: Table, sessions: Table, deaths: Table, room: Room, gate: Gate }} Tables
 * @typedef {{ path: string, durable: boolean }} Place
 */

/**
 * How many free pages the client remembers from one transaction to the next. It puts all that it remembers in order once more with
 * each commit: with as many as it would keep, 75,000, each save took 30 to 70 ms after several hundred thousand were cleared; with
 * 1,000, the first hundred 12 ms.
 */
const maxFreeSpaceToRetain = 250

/**
 * Opens what is there, or makes it.
 * @param {Place} place
 * @returns {Tables}
 */
export function openForWriting(place) {
  requireOpenable(place.path)
  const gate = new Gate(place.path)
  return gate.pass(() => ({ ...openTables(place), gate }))
}

/**
 * @param {Place} place
 * @returns {Omit<Tables, 'gate'>}
 */
function openTables(place) {
  return withRoot(place, false, (root) => {
    requireOurs(root)
    const about = openTable(root, tableNames.about)
    const tables = {
      root,
      about,
      sessions: openTable(root, tableNames.sessions),
      deaths: openTable(root, tableNames.deaths),
      room: new Room(root, place.path),
    }
    root.transactionSync(() => {
      const stamp = about.get(formatKey)
      if (stamp === undefined) about.put(formatKey, Buffer.from(String(formatVersion)))
      else requireVersion(stamp)
    })
    return tables
  })
}

/**
 * Does the work in one transaction: all of it is done when this has returned, or nothing if it throws.
 * @template T
 * @param {Tables} tables
 * @param {() => T} work
 * @returns {T}
 */
export function inTransaction({ gate, root, room }, work) {
  return gate.pass(() =>
    root.transactionSync(() => {
      room.begin()
      return work()
    }),
  )
}

/**
 * Opens what a writer has made, and still has open.
 * @param {string} path
 * @returns {Pick<Tables, 'root' | 'sessions'>}
 */
export function openForReading(path) {
  requireOpenable(path)
  const gate = new Gate(path)
  try {
    return gate.pass(() =>
      withRoot({ path, durable: false }, true, (root) => ({ root, sessions: openTable(root, tableNames.sessions) })),
    )
  } finally {
    gate.close()
  }
}

/**
 * Opens the environment, and closes it again if the work fails.
 * @template T
 * @param {Place} place
 * @param {boolean} readOnly
 * @param {(root: Root) => T} work
 * @returns {T}
 */
function withRoot(place, readOnly, work) {
  const root = openRoot(place, readOnly)
  try {
    return work(root)
  } catch (error) {
    root.close()
    throw error
  }
}

/**
 * @param {Place} place
 * @param {boolean} readOnly
 * @returns {Root}
 */
function openRoot({ path, durable }, readOnly) {
  // Without `noSubdir` a path without an extension would become a folder. `overlappingSync` would flush every commit, in a
  // thread that waits for it or not; here a commit is flushed before it is answered (durable) or by the second (not durable).
  const options = { path, readOnly, noSubdir: true, noSync: !durable, overlappingSync: false, maxFreeSpaceToRetain }
  return /** @type {Root} */ (open({ ...options, maxReaders, maxDbs: 8, ...tableOptions }))
}

/**
 * @param {Root} root
 * @param {string} name
 * @returns {Table}
 */
function openTable(root, name) {
  const table = root.openDB({ name, ...tableOptions })
  if (table === undefined) throw new Error(`the environment has no table ${name}`)
  return table
}

/**
 * Another program's environment is left as it is.
 * @param {Root} root
 */
function requireOurs(root) {
  const names = [...root.getKeys()].map((key) => Buffer.from(key).toString().replace(/\0$/, ''))
  if (names.length > 0 && !names.includes(tableNames.about)) {
    throw new Error('the environment holds the data of another program')
  }
}

/** @param {Buffer} stamp */
function requireVersion(stamp) {
  const version = stamp.toString()
  if (version !== String(formatVersion)) {
    throw new Error(`the environment has format ${version.slice(0, 20)}; this version reads format ${formatVersion}`)
  }
}
