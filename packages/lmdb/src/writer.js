// The process that writes for another. What comes at once is one transaction: it is committed, and flushed if asked to be, as a
// whole. In a process of its own because LMDB has one lock for all writes: neither waiting for it nor flushing may hold up the event
// loop that serves requests; why it is no thread, `writer-process.ts` says.
import { Socket } from 'node:net'
import { inTransaction, openForWriting } from './environment.js'
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
let isDamaged = false
/** @type {Promise<void> | undefined} */
let flushing
/** @type {NodeJS.Timeout | undefined} */
let flushTimer

/** @type {ReturnType<typeof operationsOn>} */
let operations

/**
 * One transaction for all. If an operation fails, one for each, so that only those fail which must. If the commit fails, nothing of
 * it is written, and this process must write no more: `room.js` says why.
 * @param {Ask[]} batch
 * @returns {Answer[]}
 */
function perform(batch) {
  if (isDamaged) return batch.map(() => failureOf({ message: 'the process that writes has ended', code: 'WRITER_ENDED' }))
  let isCommitting = false
  isUnflushed = true
  try {
    return inTransaction(tables, () => {
      const answers = batch.map(({ kind, fields }) => operations[kind](...fields))
      isCommitting = true
      return answers
    })
  } catch (error) {
    if (isCommitting) isDamaged = true
    if (isCommitting || batch.length === 1) return batch.map(() => failureOf(error))
    return batch.flatMap((ask) => perform([ask]))
  }
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

/** The environment is left to the end of the process: to close it may end its locks, which only one who is in the gate may do. */
async function end() {
  clearInterval(flushTimer)
  await flushing
  if (!place.durable) flush()
  await flushing
  process.exit()
}

const cutter = askCutter()

/**
 * @param {number} size
 * @param {Uint8Array} buffer that will be used again
 */
function receive(size, buffer) {
  const batch = cutter.cut(Buffer.from(buffer.buffer, buffer.byteOffset, size)).map(decodeAsk)
  if (batch.length === 0) return true
  const answers = encodeAnswers(perform(batch))
  if (isDamaged) pipe.end(answers, () => process.kill(process.pid, 'SIGKILL'))
  else pipe.write(answers)
  return !isDamaged
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
  pipe.once('close', end).resume()
  pipe.write(encodeAnswers([null]))
} catch (error) {
  pipe.end(encodeAnswers([failureOf(error)]), () => process.exit())
}
