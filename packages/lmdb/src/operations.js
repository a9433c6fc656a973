// What can be done to the tables. Each is called within a transaction for writing, and either does all of its work or throws.
import { deathKey, endOfDeaths, expiryBytes, keysOfBase, timeOf, timeSize } from './format.js'

/**
 * @typedef {import('./messages.js').Failure} Failure
 * @typedef {import('./messages.js').Answer} Answer
 * @typedef {import('./environment.js').Tables} Tables
 * @typedef {import('./format.js').Keys} Keys
 */

const nothing = Buffer.alloc(0)
/**
 * How many entries of the index of deaths one transaction looks at: others get their turn between two. To free a session costs 30 µs
 * among a million, however many are freed at once, since each is in a page of its own; to look at one, 2.
 */
const freedAtOnce = 250
const surveyedAtOnce = 1_000
/** How many pages are copied at most, beside the way to the first leaf: leaves, those that they are merged with, branches. */
const pagesOf = { touch: 2, move: 5, removal: 5, store: 5 }
/** Bytes of a session beside its record and the four times that its key is there. */
const bytesBeside = 150

/**
 * @param {Tables} tables
 * @param {number | null} maxSize in bytes
 * @param {number} [limit] how many entries of the index of deaths a purge or a survey looks at; as above by default
 * @returns {Record<import('./protocol.ts').Kind, (...fields: any[]) => Answer>}
 */
export function operationsOn(tables, maxSize, limit) {
  const { sessions, deaths, room } = tables
  return { save, remove, touch, swap, purge, survey, clear }

  /**
   * @param {Buffer} base
   * @param {Buffer} record
   * @param {Buffer} death
   */
  function save(base, record, death) {
    return refusalIfFull(base, record) ?? store(keysOfBase(base), record, death)
  }

  /** @param {Buffer} base */
  function remove(base) {
    const keys = keysOfBase(base)
    const times = sessions.get(keys.expiry)
    if (times === undefined) return false
    const refusal = refusalOf(room.take(pagesOf.removal))
    if (refusal !== undefined) return refusal
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
    if (times === undefined || !isAlive(times, Date.now())) return null
    const refusal = refusalOf(room.take(isPutOff(times, death) ? pagesOf.touch : pagesOf.move))
    if (refusal !== undefined) return refusal
    setDeath(keys, times, death)
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
    return refusalIfFull(base, record) ?? store(keys, record, death)
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
   * Looks at no more than a limit of those whose time in the index has come, and frees the dead among them.
   * @param {Buffer} time
   */
  function purge(time) {
    // A process that was killed while it read would keep what is freed from being used again.
    tables.root.readerCheck()
    const now = timeOf(time) ?? Infinity
    const most = limit ?? freedAtOnce
    const due = [...deaths.getKeys({ end: endOfDeaths(now), limit: most })]
    let freed = 0
    for (const [at, death] of due.entries()) {
      const refusal = refusalOf(room.take(pagesOf.removal))
      if (refusal !== undefined) return at === 0 ? refusal : { freed, isDone: false }
      const { keys, times } = sessionOf(death)
      if (isAlive(times, now)) {
        correct(death, keys, times)
      } else {
        erase(keys, times)
        freed++
      }
    }
    return { freed, isDone: due.length < most }
  }

  /**
   * As many as a limit, beginning behind `after`.
   * @param {Buffer} time
   * @param {Buffer | null} after
   */
  function survey(time, after) {
    const now = timeOf(time) ?? Infinity
    const start = after === null ? {} : { start: after, exclusiveStart: true }
    const most = limit ?? surveyedAtOnce
    const due = [...deaths.getKeys({ ...start, end: endOfDeaths(now), limit: most })]
    let dead = 0
    for (const death of due) {
      const { keys, times } = sessionOf(death)
      if (!isAlive(times, now)) dead++
      else if (room.take(pagesOf.move) === undefined) correct(death, keys, times)
    }
    const last = due.length < most ? null : (due.at(-1)?.toString('hex') ?? null)
    return { dead, entries: statsOf(sessions).entryCount / 2, last }
  }

  function clear() {
    const refusal = refusalOf(room.take(0))
    if (refusal !== undefined) return refusal
    for (const table of [sessions, deaths]) table.clearSync()
    return null
  }

  /** @param {Buffer} death its key in the index */
  function sessionOf(death) {
    const keys = keysOfBase(death.subarray(timeSize))
    return { keys, times: /** @type {Buffer} */ (sessions.get(keys.expiry)) }
  }

  /**
   * Gives the index the time of death of one that lives longer than it says.
   * @param {Buffer} death its key in the index
   * @param {Keys} keys
   * @param {Buffer} times
   */
  function correct(death, keys, times) {
    const time = times.subarray(0, timeSize)
    deaths.remove(death)
    index(keys, time)
    sessions.put(keys.expiry, expiryBytes(time, time))
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
    if (times !== undefined && isPutOff(times, death)) {
      sessions.put(keys.expiry, expiryBytes(death, times.subarray(timeSize)))
      return
    }
    if (times !== undefined) deaths.remove(deathKey(times.subarray(timeSize), keys.base))
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

  /**
   * @param {Buffer} base
   * @param {Buffer} record
   * @returns {Failure | undefined}
   */
  function refusalIfFull(base, record) {
    if (maxSize !== null && usedPages() * statsOf(sessions).pageSize >= maxSize) {
      return { failure: { message: `the sessions fill the ${maxSize} bytes that maxSize allows`, code: 'MAX_SIZE' } }
    }
    return refusalOf(room.takeToGrow(pagesOf.store, record.length + 4 * base.length + bytesBeside, freePages))
  }

  /** The pages that hold something: the file keeps those that were freed, for what comes next. */
  function usedPages() {
    return pagesIn(statsOf(sessions)) + pagesIn(statsOf(deaths))
  }

  /** Those that a reader may still look at are among them. */
  function freePages() {
    const { lastPageNumber, root, free } = statsOf(sessions)
    return lastPageNumber - 1 - usedPages() - pagesIn(root) - pagesIn(free)
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
 * Whether the index may keep the time that it has: it is no later than death.
 * @param {Buffer} times
 * @param {Buffer} death
 */
function isPutOff(times, death) {
  return times.subarray(timeSize).compare(death) <= 0
}

/**
 * @param {NodeJS.ErrnoException | undefined} error
 * @returns {Failure | undefined}
 */
function refusalOf(error) {
  return error && { failure: { message: error.message, code: error.code } }
}

/**
 * @typedef {{ treeBranchPageCount: number, treeLeafPageCount: number, overflowPages: number }} PageCounts
 * @typedef {PageCounts & { entryCount: number, pageSize: number, lastPageNumber: number, root: PageCounts, free: PageCounts }} Stats
 * @param {import('./environment.js').Table} table
 */
function statsOf(table) {
  return /** @type {Stats} */ (table.getStats())
}

/** @param {PageCounts} counts */
function pagesIn({ treeBranchPageCount, treeLeafPageCount, overflowPages }) {
  return treeBranchPageCount + treeLeafPageCount + overflowPages
}
