// What can be done to the tables. Each is called within a transaction for writing, and either does all of its work or throws.
import { deathKey, endOfDeaths, expiryBytes, keysOfBase, timeOf, timeSize } from './format.js'

/**
 * @typedef {import('./messages.js').Failure} Failure
 * @typedef {import('./messages.js').Answer} Answer
 * @typedef {import('./environment.js').Tables} Tables
 * @typedef {import('./format.js').Keys} Keys
 */

const nothing = Buffer.alloc(0)
/** How many entries of the index of deaths one transaction looks at: others get their turn between two. */
const atOnce = 1_000

/**
 * @param {Tables} tables
 * @param {number | null} maxSize in bytes
 * @param {number} [limit] how many entries of the index of deaths a purge or a survey looks at
 * @returns {Record<import('./protocol.ts').Kind, (...fields: any[]) => Answer>}
 */
export function operationsOn(tables, maxSize, limit = atOnce) {
  const { sessions, deaths } = tables
  return { save, remove, touch, swap, purge, survey, clear }

  /**
   * @param {Buffer} base
   * @param {Buffer} record
   * @param {Buffer} death
   */
  function save(base, record, death) {
    return refusalIfFull() ?? store(keysOfBase(base), record, death)
  }

  /** @param {Buffer} base */
  function remove(base) {
    const keys = keysOfBase(base)
    const times = sessions.get(keys.expiry)
    if (times === undefined) return false
    erase(keys, times)
    return true
  }

  /**
   * Writes the expiry alone: a payload that has pages of its own, which those of 2 kB have, is not written.
   * @param {Buffer} base
   * @param {Buffer} death
   */
  function touch(base, death) {
    const keys = keysOfBase(base)
    const times = sessions.get(keys.expiry)
    if (times !== undefined && isAlive(times, Date.now())) setDeath(keys, times, death)
    return null
  }

  /**
   * @param {Buffer} base
   * @param {Buffer | null} expected
   * @param {Buffer} record
   * @param {Buffer} death
   */
  function swap(base, expected, record, death) {
    const keys = keysOfBase(base)
    const times = sessions.get(keys.expiry)
    const isThere = times !== undefined && isAlive(times, Date.now())
    if (expected === null ? isThere : !isThere || !isRecord(keys.record, expected)) return false
    return refusalIfFull() ?? store(keys, record, death)
  }

  /**
   * One text has one record, so these are compared, not the texts.
   * @param {Buffer} key
   * @param {Buffer} expected
   */
  function isRecord(key, expected) {
    return sessions.get(key)?.equals(expected) === true
  }

  /**
   * Looks at no more than `limit` of those whose time in the index has come, and frees the dead among them.
   * @param {Buffer} time
   */
  function purge(time) {
    // A process that was killed while it read would keep what is freed from being used again.
    tables.root.readerCheck()
    const now = timeOf(time) ?? Infinity
    const due = [...deaths.getKeys({ end: endOfDeaths(now), limit })]
    return { freed: due.filter((death) => !correct(death, now, erase)).length, isDone: due.length < limit }
  }

  /**
   * As many as `limit`, beginning behind `after`.
   * @param {Buffer} time
   * @param {Buffer | null} after
   */
  function survey(time, after) {
    const now = timeOf(time) ?? Infinity
    const start = after === null ? {} : { start: after, exclusiveStart: true }
    const due = [...deaths.getKeys({ ...start, end: endOfDeaths(now), limit })]
    const dead = due.filter((death) => !correct(death, now)).length
    const last = due.length < limit ? null : (due.at(-1)?.toString('hex') ?? null)
    return { dead, entries: statsOf(sessions).entryCount / 2, last }
  }

  function clear() {
    for (const table of [sessions, deaths]) table.clearSync()
    return null
  }

  /**
   * Whether the entry lives after all: then the index gets its time of death. What is dead is left to `onDead`.
   * @param {Buffer} death its key in the index
   * @param {number} now
   * @param {(keys: Keys, times: Buffer) => void} [onDead]
   */
  function correct(death, now, onDead) {
    const keys = keysOfBase(death.subarray(timeSize))
    const times = /** @type {Buffer} */ (sessions.get(keys.expiry))
    if (!isAlive(times, now)) {
      onDead?.(keys, times)
      return false
    }
    const time = times.subarray(0, timeSize)
    deaths.remove(death)
    index(keys, time)
    sessions.put(keys.expiry, expiryBytes(time, time))
    return true
  }

  /**
   * @param {Keys} keys
   * @param {Buffer} record
   * @param {Buffer} death
   */
  function store(keys, record, death) {
    sessions.put(keys.record, record)
    setDeath(keys, sessions.get(keys.expiry), death)
    return true
  }

  /**
   * @param {Keys} keys
   * @param {Buffer | undefined} times as they were
   * @param {Buffer} death
   */
  function setDeath(keys, times, death) {
    const indexed = times?.subarray(timeSize)
    if (indexed !== undefined && indexed.compare(death) <= 0) {
      sessions.put(keys.expiry, expiryBytes(death, indexed))
      return
    }
    if (indexed !== undefined) deaths.remove(deathKey(indexed, keys.base))
    index(keys, death)
    sessions.put(keys.expiry, expiryBytes(death, death))
  }

  /**
   * What lives for ever is not in the index.
   * @param {Keys} keys
   * @param {Buffer} time
   */
  function index({ base }, time) {
    if (timeOf(time) !== null) deaths.put(deathKey(time, base), nothing)
  }

  /**
   * @param {Keys} keys
   * @param {Buffer} times
   */
  function erase({ base, record, expiry }, times) {
    deaths.remove(deathKey(times.subarray(timeSize), base))
    sessions.remove(expiry)
    sessions.remove(record)
  }

  /** @returns {Failure | undefined} */
  function refusalIfFull() {
    if (maxSize === null || usedBytes() < maxSize) return undefined
    return { failure: { message: `the sessions fill the ${maxSize} bytes that maxSize allows`, code: 'MAX_SIZE' } }
  }

  /** The pages that hold something: the file keeps those that were freed, for what comes next. */
  function usedBytes() {
    let bytes = 0
    for (const table of [sessions, deaths]) {
      const { pageSize, treeBranchPageCount, treeLeafPageCount, overflowPages } = statsOf(table)
      bytes += (treeBranchPageCount + treeLeafPageCount + overflowPages) * pageSize
    }
    return bytes
  }
}

/**
 * @param {Buffer} times
 * @param {number} now
 */
function isAlive(times, now) {
  const expires = timeOf(times)
  return expires === null || expires > now
}

/**
 * @typedef {{ entryCount: number, pageSize: number, treeBranchPageCount: number, treeLeafPageCount: number, overflowPages: number }} Stats
 * @param {import('./environment.js').Table} table
 */
function statsOf(table) {
  return /** @type {Stats} */ (table.getStats())
}
