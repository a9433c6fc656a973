// The process that writes for another. What comes at once is one transaction: it is committed, and flushed if asked to be, as a
// whole. In a process of its own because LMDB has one lock for all writes: neither waiting for it nor flushing may hold up the event
// loop that serves requests; why it is no thread, `writer-process.ts` says.
import { Socket } from 'node:net'
import { openForWriting } from './environment.js'
import { askCutter, decodeAsk, encodeAnswers } from './messages.js'
import { operationsOn } from './operations.js'

/**
 * @typedef {import('./messages.js').Answer} Answer
 * @typedef {ReturnType<typeof decodeAsk>} Ask
 */

const place = /** @type {import('./environment.js').Place & { maxSize: number | null }} */ (JSON.parse(process.argv[2] ?? ''))
/** What is not durable is flushed this often, in milliseconds. */
const flushInterval = 1_000

process.title = 'connect-databank: writes to LMDB'
// Who is served says when to end, or is gone: a signal meant for both must not cut off what he is still asking for.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})

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
 * @param {Ask[]} batch
 * @returns {Answer[]}
 */
function perform(batch) {
  try {
    return inTransaction(batch)
  } catch (error) {
    return batch.length === 1 ? [failureOf(error)] : batch.flatMap((ask) => perform([ask]))
  }
}

/**
 * @param {Ask[]} batch
 * @returns {Answer[]}
 */
function inTransaction(batch) {
  isUnflushed = true
  return tables.root.transactionSync(() => batch.map(({ kind, fields }) => operations[kind](...fields)))
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

const cutter = askCutter()

/**
 * @param {number} size
 * @param {Uint8Array} buffer that will be used again
 */
function receive(size, buffer) {
  const batch = cutter.cut(Buffer.from(buffer.buffer, buffer.byteOffset, size)).map(decodeAsk)
  if (batch.length > 0) pipe.write(encodeAnswers(perform(batch)))
  return true
}

// What one reading brings is one transaction; Node's own buffers would cut a large batch up.
const onread = { buffer: Buffer.allocUnsafeSlow(262_144), callback: receive }
const pipe = new Socket(
  /** @type {import('node:net').SocketConstructorOpts} */ ({ fd: 3, readable: true, writable: true, onread }),
)
// To who is served. If he has died meanwhile, that is no failure of ours.
pipe.on('error', () => {})

try {
  tables = openForWriting(place)
  operations = operationsOn(tables, place.maxSize)
  if (!place.durable) flushTimer = setInterval(flush, flushInterval)
  pipe.once('close', close).resume()
  pipe.write(encodeAnswers([null]))
} catch (error) {
  pipe.end(encodeAnswers([failureOf(error)]), () => process.exit())
}
