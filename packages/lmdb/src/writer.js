// The thread that writes. What comes in one message is one transaction: it is committed, and flushed if asked to be, as a whole.
// In a thread of its own because LMDB has one lock for all processes' writes: neither waiting for it nor flushing may hold up the
// event loop that serves requests.
import { parentPort, workerData } from 'node:worker_threads'
import { openForWriting } from './environment.js'
import { formatVersion } from './format.js'
import { operationsOn } from './operations.js'

/**
 * @typedef {import('./operations.js').Answer} Answer
 * @typedef {[kind: import('./protocol.ts').Kind, first: any, second: any, third: any]} Operation
 */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort)
const place = /** @type {import('./environment.js').Place & { maxSize: number | null }} */ (workerData)
/** What is not durable is flushed this often, in milliseconds. */
const flushInterval = 1_000

/** @type {import('./environment.js').Tables} */
let tables
let isUnflushed = false
/** @type {Promise<void> | undefined} */
let flushing
/** @type {NodeJS.Timeout | undefined} */
let flushTimer

/** @type {ReturnType<typeof operationsOn>} */
let operations

/**
 * One transaction for all. If it fails, one for each, so that only those fail which must.
 * @param {Operation[]} batch
 * @returns {Answer[]}
 */
function perform(batch) {
  try {
    return inTransaction(batch)
  } catch (error) {
    return batch.length === 1 ? [failureOf(error)] : batch.flatMap((operation) => perform([operation]))
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

/** Writes what the system still holds in memory to the disk, beside the work that goes on. */
function flush() {
  if (!isUnflushed || flushing !== undefined) return
  isUnflushed = false
  flushing = new Promise((resolve) => {
    tables.root.env.sync((error) => {
      // What could not be written is left to the next time.
      if (error) isUnflushed = true
      flushing = undefined
      resolve()
    })
  })
}

async function close() {
  clearInterval(flushTimer)
  await flushing
  if (!place.durable) flush()
  await flushing
  await tables.root.close()
  port.close()
}

try {
  tables = openForWriting(place)
  operations = operationsOn(tables, place.maxSize)
  if (!place.durable) flushTimer = setInterval(flush, flushInterval)
  port.on('message', (message) => {
    if (message === 'close') close()
    else port.postMessage(perform(message))
  })
  port.postMessage({ format: formatVersion })
} catch (error) {
  port.postMessage(failureOf(error))
  port.close()
}
