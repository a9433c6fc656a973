// How a session is kept in the environment. JavaScript, as is `writer.js`: the writer's thread runs both as they stand, also from
// the sources, and Node 20 runs no TypeScript.
//
// | table | key | value |
// |---|---|---|
// | `records` | key of the id | header, own id if the key is a hash, payload |
// | `expiry` | key of the id | time of death, time under which `deaths` has it, 8 bytes each |
// | `deaths` | time + key of the id | nothing: an index in order of death |
// | `connect-databank` | `format` | the version of all this |
//
// A session that is in use is touched all the time and dies long after. So a touch that puts death off leaves the index as it is:
// the time there is no later than death, and is corrected when it has come. That halves the cost of a touch.
import { createHash } from 'node:crypto'

/** Of the tables and of each record. */
export const formatVersion = 1

export const tableNames = /** @type {const} */ ({
  about: 'connect-databank',
  records: 'records',
  expiry: 'expiry',
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

/**
 * The key of an id: the id's UTF-8 bytes; a hash if they are many, or if the id has none (a lone surrogate).
 * @param {string} id
 * @returns {Buffer}
 */
export function keyOf(id) {
  if (id.length <= longestPlainId && id.isWellFormed()) {
    const key = Buffer.from(`\x01${id}`)
    if (key.length <= longestPlainId) return key
  }
  return Buffer.concat([Buffer.of(hashTag), createHash('sha256').update(Buffer.from(id, 'utf16le')).digest()])
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
 * What the table of expiry holds: when the entry dies, and under which time the index of deaths has it.
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
 * @param {Buffer} key of `keyOf`
 */
export function deathKey(time, key) {
  const bytes = Buffer.allocUnsafe(timeSize + key.length)
  bytes.set(time)
  bytes.set(key, timeSize)
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
 * @param {Buffer} key of this id
 * @param {string} payload
 */
export function encodeRecord(id, key, payload) {
  const ownId = key[0] === hashTag ? Buffer.from(id, 'utf16le') : undefined
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
 * @param {Buffer} key
 * @param {Buffer} record
 * @returns {string | undefined}
 */
export function idOf(key, record) {
  if (key[0] === plainTag) return key.toString('utf8', 1)
  if (key[0] !== hashTag || !isRecord(record) || (record.readUInt8(1) & hasOwnId) === 0) return undefined
  return record.toString('utf16le', headerSize, headerSize + record.readUInt32BE(2))
}

/** @param {Buffer} record */
function isRecord(record) {
  return record.length >= headerSize && record[0] === formatVersion
}
