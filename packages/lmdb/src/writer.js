// The thread that writes. What comes in one message is one transaction: it is committed, and flushed if asked to be, as a whole.
// In a thread of its own because LMDB has one lock for all processes' writes: neither waiting for it nor flushing may hold up the
// event loop that serves requests.
import { parentPort, workerData } from 'node:worker_threads'
import { openForWriting } from './environment.js'
import { deathKey, encodeRecord, endOfDeaths, formatVersion, keyOf, payloadOf, timeBytes, timeOf, timeSize } from './format.js'

/**
 * @typedef {{ failure: { message: string, code?: number | string | undefined } }} Failure
 * @typedef {boolean | number | null | Failure} Answer
 * @typedef {[kind: import('./operations.ts').Kind, first: any, second: any, third: any]} Operation
 */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort)
const place = /** @type {import('./environment.js').Place & { maxSize: number | null }} */ (workerData)
const nothing = Buffer.alloc(0)
/** What is not durable is flushed this often, in milliseconds. */
const flushInterval = 1_000

/** @type {import('./environment.js').Tables} */
let tables
let isUnflushed = false

/** @type {Record<import('./operations.ts').Kind, (first: any, second: any, third: any) => Answer>} */
const operations = { save, remove, touch, swap, purge, count, clear }

/**
 * @param {string} id
 * @param {string} payload
 * @param {number | null} expires
 */
function save(id, payload, expires) {
  const full = refusalIfFull()
  if (full !== undefined) return full
  store(id, keyOf(id), payload, expires)
  return true
}

/** @param {string} id */
function remove(id) {
  const key = keyOf(id)
  const time = tables.expiry.get(key)
  if (time === undefined) return false
  erase(key, time)
  return true
}

/**
 * Only the table of expiry and its index are written: the payload's pages stay as they are.
 * @param {string} id
 * @param {number | null} expires
 */
function touch(id, expires) {
  const key = keyOf(id)
  const time = tables.expiry.get(key)
  if (time !== undefined && isAlive(time)) setDeath(key, time, timeBytes(expires))
  return null
}

/**
 * @param {string} id
 * @param {string | null} expected
 * @param {{ payload: string, expires: number | null }} entry
 */
function swap(id, expected, { payload, expires }) {
  const key = keyOf(id)
  const time = tables.expiry.get(key)
  const isThere = time !== undefined && isAlive(time)
  if (expected === null ? isThere : !isThere || payloadOf(recordOf(key)) !== expected) return false
  const full = refusalIfFull()
  if (full !== undefined) return full
  store(id, key, payload, expires)
  return true
}

/**
 * Frees at most `limit` of what is dead, the longest dead first; answers how many. Looks at nothing that lives.
 * @param {number} now
 * @param {number} limit
 */
function purge(now, limit) {
  // A process that was killed while it read would keep pages from being used again.
  tables.root.readerCheck()
  const dead = [...tables.deaths.getKeys({ end: endOfDeaths(now), limit })]
  for (const death of dead) erase(death.subarray(timeSize), death.subarray(0, timeSize))
  return dead.length
}

/** @param {number} now */
function count(now) {
  return statsOf(tables.expiry).entryCount - tables.deaths.getCount({ end: endOfDeaths(now) })
}

function clear() {
  tables.records.clearSync()
  tables.expiry.clearSync()
  tables.deaths.clearSync()
  return null
}

/**
 * @param {string} id
 * @param {Buffer} key
 * @param {string} payload
 * @param {number | null} expires
 */
function store(id, key, payload, expires) {
  tables.records.put(key, encodeRecord(id, key, payload))
  setDeath(key, tables.expiry.get(key), timeBytes(expires))
}

/**
 * @param {Buffer} key
 * @param {Buffer | undefined} old
 * @param {Buffer} time
 */
function setDeath(key, old, time) {
  if (old?.equals(time)) return
  if (old !== undefined && timeOf(old) !== null) tables.deaths.remove(deathKey(old, key))
  if (timeOf(time) !== null) tables.deaths.put(deathKey(time, key), nothing)
  tables.expiry.put(key, time)
}

/**
 * @param {Buffer} key
 * @param {Buffer} time
 */
function erase(key, time) {
  tables.deaths.remove(deathKey(time, key))
  tables.expiry.remove(key)
  tables.records.remove(key)
}

/** @param {Buffer} time */
function isAlive(time) {
  const expires = timeOf(time)
  return expires === null || expires > Date.now()
}

/** @param {Buffer} key */
function recordOf(key) {
  return tables.records.get(key) ?? nothing
}

/** @returns {Failure | undefined} */
function refusalIfFull() {
  const { maxSize } = place
  if (maxSize === null || usedBytes() < maxSize) return undefined
  return { failure: { message: `the sessions fill ${maxSize} bytes, which is what maxSize allows`, code: 'MAX_SIZE' } }
}

/** The pages that hold something: the file keeps those that were freed, for what comes next. */
function usedBytes() {
  let bytes = 0
  for (const table of [tables.records, tables.expiry, tables.deaths]) {
    const { pageSize, treeBranchPageCount, treeLeafPageCount, overflowPages } = statsOf(table)
    bytes += (treeBranchPageCount + treeLeafPageCount + overflowPages) * pageSize
  }
  return bytes
}

/**
 * @typedef {{ entryCount: number, pageSize: number, treeBranchPageCount: number, treeLeafPageCount: number, overflowPages: number }} Stats
 * @param {import('./environment.js').Table} table
 */
function statsOf(table) {
  return /** @type {Stats} */ (table.getStats())
}

/**
 * One transaction for all. If it fails, one for each, so that only those fail which must.
 * @param {Operation[]} batch
 * @returns {Answer[]}
 */
function perform(batch) {
  try {
    return inTransaction(batch)
  } catch (error) {
    if (batch.length === 1) return [failureOf(error)]
    return batch.flatMap((operation) => perform([operation]))
  }
}

/**
 * @param {Operation[]} batch
 * @returns {Answer[]}
 */
function inTransaction(batch) {
  isUnflushed = true
  return tables.root.transactionSync(() => batch.map(([kind, first, second, third]) => operations[kind](first, second, third)))
}

/** @param {any} error */
function failureOf(error) {
  return { failure: { message: String(error?.message ?? error), code: error?.code } }
}

function flush() {
  if (!isUnflushed) return
  isUnflushed = false
  // A flush that fails leaves what is there to the next one.
  tables.root.env.sync((error) => {
    if (error) isUnflushed = true
  })
}

async function close() {
  clearInterval(flushing)
  if (!place.durable && isUnflushed) await new Promise((resolve) => tables.root.env.sync(resolve))
  await tables.root.close()
  port.postMessage('closed')
  port.close()
}

/** @type {NodeJS.Timeout | undefined} */
let flushing
try {
  tables = openForWriting(place)
  if (!place.durable) flushing = setInterval(flush, flushInterval)
  port.on('message', (message) => {
    if (message === 'close') close()
    else port.postMessage(perform(message))
  })
  port.postMessage({ format: formatVersion })
} catch (error) {
  port.postMessage(failureOf(error))
  port.close()
}
