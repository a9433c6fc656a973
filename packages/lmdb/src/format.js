// How a session is kept in the environment. JavaScript, as is `writer.js`: the writer's process runs both as they stand, also from
// the sources, and Node 20 runs no TypeScript.
//
// | table | key | value |
// |---|---|---|
// | `sessions` | key of the id + 0 | the record: header, own id if the key is a hash, payload |
// | `sessions` | key of the id + 1 | the expiry: time of death, time under which `deaths` has it, 8 bytes each |
// | `deaths` | time + key of the id | nothing: an index in order of death |
// | `connect-databank` | `format` | the version of all this |
//
// The two entries of a session stand beside each other, mostly in one page: measured against a table of its own for expiry, a purge
// and a touch among a million sessions cost two thirds and half as much. Measured against rewriting a record of 2 kB for its expiry,
// a touch costs half.
//
// A session that is in use is touched all the time and dies long after. So a touch that puts death off leaves the index as it is:
// the time there is no later than death, and is corrected when it has come. That halves the cost of a touch.
import { createHash } from 'node:crypto'

/** Of the tables and of each record. */
export const formatVersion = 1

export const tableNames = /** @type {const} */ ({
  about: 'connect-databank',
  sessions: 'sessions',
  deaths: 'deaths',
})

/** How a table is opened: keys and values are bytes. */
export const tableOptions = /** @type {const} */ ({ encoding: 'binary', keyEncoding: 'binary' })

export const formatKey = Buffer.from('format')

/** LMDB's keys are limited to 1,978 bytes in pages of 4 kB; short keys keep the tree flat. */
const longestPlainId = 480
const plainTag = 1
const hashTag = 2

/** Bytes before the own id or the payload: version of the record, flags, length of the own id in bytes. */
const headerSize = 6
const isUtf16 = 1
const hasOwnId = 2

export const timeSize = 8
const signBit = -0x80000000

const recordPart = 0
const expiryPart = 1

/**
 * Where a session is kept.
 * @typedef {{ base: Buffer, record: Buffer, expiry: Buffer }} Keys `base` as the index of deaths has it
 */

/**
 * The keys of an id: they hold its UTF-8 bytes; a hash if they are many, or if the id has none (a lone surrogate).
 * @param {string} id
 * @returns {Keys}
 */
export function keysOf(id) {
  if (id.length <= longestPlainId && id.isWellFormed()) {
    const base = Buffer.from(`\x01${id}`)
    if (base.length <= longestPlainId) return keysOfBase(base)
  }
  return keysOfBase(Buffer.concat([Buffer.of(hashTag), createHash('sha256').update(Buffer.from(id, 'utf16le')).digest()]))
}

/**
 * @param {Buffer} base
 * @returns {Keys}
 */
export function keysOfBase(base) {
  return { base, record: withPart(base, recordPart), expiry: withPart(base, expiryPart) }
}

/**
 * The keys of the session whose record has this key; undefined if it is none of a record.
 * @param {Buffer} key
 * @returns {Keys | undefined}
 */
export function keysOfRecord(key) {
  return key.at(-1) === recordPart ? keysOfBase(key.subarray(0, -1)) : undefined
}

/**
 * @param {Buffer} base
 * @param {number} part
 */
function withPart(base, part) {
  const key = Buffer.allocUnsafe(base.length + 1)
  key.set(base)
  key[base.length] = part
  return key
}

const scratch = new DataView(new ArrayBuffer(8))

/**
 * A time as 8 bytes whose order is that of the times; null, for ever, comes last.
 * @param {number | null} expires
 * @returns {Buffer}
 */
export function timeBytes(expires) {
  // Adding 0 makes 0 of -0.
  scratch.setFloat64(0, (expires ?? Infinity) + 0)
  const bytes = Buffer.allocUnsafe(timeSize)
  const high = scratch.getInt32(0)
  bytes.writeUInt32BE((high < 0 ? ~high : high ^ signBit) >>> 0)
  bytes.writeUInt32BE((high < 0 ? ~scratch.getInt32(4) : scratch.getInt32(4)) >>> 0, 4)
  return bytes
}

/**
 * @param {Buffer} bytes with those of `timeBytes` at `offset`
 * @returns {number | null}
 */
export function timeOf(bytes, offset = 0) {
  const high = bytes.readInt32BE(offset)
  const low = bytes.readInt32BE(offset + 4)
  scratch.setInt32(0, high < 0 ? high ^ signBit : ~high)
  scratch.setInt32(4, high < 0 ? low : ~low)
  const time = scratch.getFloat64(0)
  return time === Infinity ? null : time
}

/**
 * The expiry of a session: when the entry dies, and under which time the index of deaths has it.
 * @param {Buffer} death of `timeBytes`
 * @param {Buffer} indexed of `timeBytes`
 */
export function expiryBytes(death, indexed) {
  const bytes = Buffer.allocUnsafe(2 * timeSize)
  bytes.set(death)
  bytes.set(indexed, timeSize)
  return bytes
}

/**
 * The key in the index of deaths.
 * @param {Buffer} time of `timeBytes`
 * @param {Buffer} base of the session's keys
 */
export function deathKey(time, base) {
  const bytes = Buffer.allocUnsafe(timeSize + base.length)
  bytes.set(time)
  bytes.set(base, timeSize)
  return bytes
}

/**
 * Where the deaths up to `now`, itself included, end in the index.
 * @param {number} now
 */
export function endOfDeaths(now) {
  const bytes = timeBytes(now)
  bytes.writeBigUInt64BE(bytes.readBigUInt64BE() + 1n)
  return bytes
}

/**
 * @param {string} id
 * @param {Keys} keys of this id
 * @param {string} payload
 */
export function encodeRecord(id, { base }, payload) {
  const ownId = base[0] === hashTag ? Buffer.from(id, 'utf16le') : undefined
  const encoding = payload.isWellFormed() ? 'utf8' : 'utf16le'
  const start = headerSize + (ownId?.length ?? 0)
  const record = Buffer.allocUnsafe(start + Buffer.byteLength(payload, encoding))
  record[0] = formatVersion
  record[1] = (encoding === 'utf8' ? 0 : isUtf16) | (ownId === undefined ? 0 : hasOwnId)
  record.writeUInt32BE(ownId?.length ?? 0, 2)
  if (ownId !== undefined) record.set(ownId, headerSize)
  record.write(payload, start, encoding)
  return record
}

/**
 * The payload of a record; undefined if it is no record of ours.
 * @param {Buffer} record `length` counts, not the length of its memory
 * @returns {string | undefined}
 */
export function payloadOf(record) {
  const start = isRecord(record) ? headerSize + record.readUInt32BE(2) : Infinity
  if (start > record.length) return undefined
  return record.toString((record.readUInt8(1) & isUtf16) === 0 ? 'utf8' : 'utf16le', start, record.length)
}

/**
 * The id of a record; undefined if it can't be told.
 * @param {Keys} keys
 * @param {Buffer} record
 * @returns {string | undefined}
 */
export function idOf({ base }, record) {
  if (base[0] === plainTag) return base.toString('utf8', 1)
  if (base[0] !== hashTag || !isRecord(record) || (record.readUInt8(1) & hasOwnId) === 0) return undefined
  return record.toString('utf16le', headerSize, headerSize + record.readUInt32BE(2))
}

/** @param {Buffer} record */
function isRecord(record) {
  return record.length >= headerSize && record[0] === formatVersion
}
