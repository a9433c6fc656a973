// The process that writes for another. What comes in one message is one transaction: it is committed, and flushed if asked to be,
// as a whole. In a process of its own because LMDB has one lock for all writes: neither waiting for it nor flushing may hold up the
// event loop that serves requests; why it is no thread, `writer-process.ts` says.
import { openForWriting } from './environment.js'
import { formatVersion } from './format.js'
import { operationsOn } from './operations.js'

/**
 * @typedef {import('./operations.js').Answer} Answer
 * @typedef {[kind: import('./protocol.ts').Kind, first: any, second: any, third: any]} Operation
 */

const place = /** @type {import('./environment.js').Place & { maxSize: number | null }} */ (JSON.parse(process.argv[2] ?? ''))
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
  process.exit()
}

/**
 * To nobody, if who is served has died meanwhile: that is no failure of ours.
 * @param {unknown} message
 */
function say(message) {
  if (process.connected) process.send?.(message, () => {})
}

try {
  tables = openForWriting(place)
  operations = operationsOn(tables, place.maxSize)
  if (!place.durable) flushTimer = setInterval(flush, flushInterval)
  // Who is served says when to end, or is gone: a signal meant for both must not cut off what he is still asking for.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
  process.once('disconnect', close)
  process.on('message', (message) => {
    if (message === 'close') process.disconnect()
    else say(perform(/** @type {Operation[]} */ (message)))
  })
  say({ format: formatVersion })
} catch (error) {
  process.send?.(failureOf(error), () => process.disconnect())
}
