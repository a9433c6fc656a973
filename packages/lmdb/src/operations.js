// What can be done to the tables. Each is called within a transaction for writing, and either does all of its work or throws.
import { deathKey, encodeRecord, endOfDeaths, expiryBytes, keyOf, payloadOf, timeBytes, timeOf, timeSize } from './format.js'

/**
 * @typedef {{ failure: { message: string, code?: number | string | undefined } }} Failure
 * @typedef {import('./protocol.ts').Operations[import('./protocol.ts').Kind]['answer'] | Failure} Answer
 * @typedef {import('./environment.js').Tables} Tables
 */

const nothing = Buffer.alloc(0)

/**
 * @param {Tables} tables
 * @param {number | null} maxSize in bytes
 * @returns {Record<import('./protocol.ts').Kind, (first: any, second: any, third: any) => Answer>}
 */
export function operationsOn(tables, maxSize) {
  const { records, expiry, deaths } = tables
  return { save, remove, touch, swap, purge, survey, clear }

  /**
   * @param {string} id
   * @param {string} payload
   * @param {number | null} expires
   */
  function save(id, payload, expires) {
    return refusalIfFull() ?? store(id, keyOf(id), payload, expires)
  }

  /** @param {string} id */
  function remove(id) {
    const key = keyOf(id)
    const times = expiry.get(key)
    if (times === undefined) return false
    erase(key, times)
    return true
  }

  /**
   * Writes the table of expiry alone: the payload's pages stay as they are.
   * @param {string} id
   * @param {number | null} expires
   */
  function touch(id, expires) {
    const key = keyOf(id)
    const times = expiry.get(key)
    if (times !== undefined && isAlive(times, Date.now())) setDeath(key, times, timeBytes(expires))
    return null
  }

  /**
   * @param {string} id
   * @param {string | null} expected
   * @param {{ payload: string, expires: number | null }} entry
   */
  function swap(id, expected, { payload, expires }) {
    const key = keyOf(id)
    const times = expiry.get(key)
    const isThere = times !== undefined && isAlive(times, Date.now())
    if (expected === null ? isThere : !isThere || payloadOf(records.get(key) ?? nothing) !== expected) return false
    return refusalIfFull() ?? store(id, key, payload, expires)
  }

  /**
   * Looks at no more than `limit` of those whose time in the index has come, and frees the dead among them.
   * @param {number} now
   * @param {number} limit
   */
  function purge(now, limit) {
    // A process that was killed while it read would keep what is freed from being used again.
    tables.root.readerCheck()
    const due = [...deaths.getKeys({ end: endOfDeaths(now), limit })]
    return { freed: due.filter((death) => !correct(death, now, erase)).length, isDone: due.length < limit }
  }

  /**
   * As many as `limit`, beginning behind `after`.
   * @param {number} now
   * @param {number} limit
   * @param {Uint8Array | null} after
   */
  function survey(now, limit, after) {
    const start = after === null ? {} : { start: Buffer.from(after), exclusiveStart: true }
    const due = [...deaths.getKeys({ ...start, end: endOfDeaths(now), limit })]
    const dead = due.filter((death) => !correct(death, now)).length
    return { dead, entries: statsOf(expiry).entryCount, last: due.length < limit ? null : (due.at(-1) ?? null) }
  }

  function clear() {
    for (const table of [records, expiry, deaths]) table.clearSync()
    return null
  }

  /**
   * Whether the entry lives after all: then the index gets its time of death. What is dead is left to `onDead`.
   * @param {Buffer} death its key in the index
   * @param {number} now
   * @param {(key: Buffer, times: Buffer) => void} [onDead]
   */
  function correct(death, now, onDead) {
    const key = death.subarray(timeSize)
    const times = /** @type {Buffer} */ (expiry.get(key))
    if (!isAlive(times, now)) {
      onDead?.(key, times)
      return false
    }
    const time = times.subarray(0, timeSize)
    deaths.remove(death)
    index(key, time)
    expiry.put(key, expiryBytes(time, time))
    return true
  }

  /**
   * @param {string} id
   * @param {Buffer} key
   * @param {string} payload
   * @param {number | null} expires
   */
  function store(id, key, payload, expires) {
    records.put(key, encodeRecord(id, key, payload))
    setDeath(key, expiry.get(key), timeBytes(expires))
    return true
  }

  /**
   * @param {Buffer} key
   * @param {Buffer | undefined} times as they were
   * @param {Buffer} death
   */
  function setDeath(key, times, death) {
    const indexed = times?.subarray(timeSize)
    if (indexed !== undefined && indexed.compare(death) <= 0) {
      expiry.put(key, expiryBytes(death, indexed))
      return
    }
    if (indexed !== undefined) deaths.remove(deathKey(indexed, key))
    index(key, death)
    expiry.put(key, expiryBytes(death, death))
  }

  /**
   * What lives for ever is not in the index.
   * @param {Buffer} key
   * @param {Buffer} time
   */
  function index(key, time) {
    if (timeOf(time) !== null) deaths.put(deathKey(time, key), nothing)
  }

  /**
   * @param {Buffer} key
   * @param {Buffer} times
   */
  function erase(key, times) {
    deaths.remove(deathKey(times.subarray(timeSize), key))
    expiry.remove(key)
    records.remove(key)
  }

  /** @returns {Failure | undefined} */
  function refusalIfFull() {
    if (maxSize === null || usedBytes() < maxSize) return undefined
    return { failure: { message: `the sessions fill the ${maxSize} bytes that maxSize allows`, code: 'MAX_SIZE' } }
  }

  /** The pages that hold something: the file keeps those that were freed, for what comes next. */
  function usedBytes() {
    let bytes = 0
    for (const table of [records, expiry, deaths]) {
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
