import { randomBytes } from 'node:crypto'
import type { Stored } from 'connect-databank/backend'

/*
 * A session's value is its payload, followed by a trailer of whitespace. JSON allows whitespace after a value, so connect-redis, and
 * any other JSON parser, reads the same session. The trailer holds bytes, each as four characters of two bits:
 *
 *     owner, UTF-8 | unique number of this write, 5 bytes | 0, or 1 + the length of the owner, 2 bytes | mark, 1 byte
 *
 * The whole trailer is the version: a compare-and-swap sends and compares it in place of the text. A value without a trailer was
 * written by another program: it is its own version, and has no owner.
 */

/** How many characters a trailer without an owner has. */
const TRAILER_LENGTH = 32
const DIGITS = ' \t\n\r'
/** Each byte as four digits. */
const BYTES = Array.from({ length: 256 }, (_, byte) => [6, 4, 2, 0].map((shift) => DIGITS[(byte >> shift) & 3]).join(''))
const MARK = BYTES[0xdb]!
const NO_OWNER = BYTES[0]! + BYTES[0]! + MARK

/** The replies of PEXPIRETIME for a key that never expires, and for a missing key. */
export const NEVER = -1
export const GONE = -2

/** A new trailer: no other write, of this or of another process, has the same. */
export function newTrailer(owner: string | null | undefined): string {
  const number = nextNumber()
  if (owner === null || owner === undefined) return number + NO_OWNER
  const bytes = Buffer.from(owner)
  const size = 1 + bytes.length
  return digitsOf(bytes) + number + digitsOf([size >> 8, size & 0xff]) + MARK
}

/** The entry that a value holds. `expiry` is the reply of PEXPIRETIME. */
export function storedOf(value: string | null, expiry: number): Stored | null {
  if (value === null || expiry === GONE) return null
  const expires = expiry === NEVER ? null : expiry
  const length = trailerLengthOf(value)
  if (length === 0) return { payload: value, expires, owner: null }
  const version = value.slice(-length)
  return { payload: value.slice(0, -length), expires, owner: ownerOf(version), version }
}

/** Whether a version is a trailer; if not, it is a whole value that another program wrote. */
export function isTrailer(version: string): boolean {
  return version.length > 0 && trailerLengthOf(version) === version.length
}

/** The owner in a trailer. */
export function ownerOf(trailer: string): string | null {
  return trailer.endsWith(NO_OWNER) ? null : bytesOf(trailer.slice(0, -TRAILER_LENGTH))!.toString()
}

/** The end of a SET: an absolute time, so that a command that arrives late or twice extends nothing. */
export function setExpiry(expires: number | null): string[] {
  return expires === null ? [] : ['PXAT', pxatOf(expires)]
}

/** An expiry as the server takes it, '' for never. SET refuses a time before 1, so such an entry expires at 1. */
export function pxatOf(expires: number | null): string {
  return expires === null ? '' : String(Math.max(1, Math.ceil(expires)))
}

/** How many characters the trailer of a value has; 0: there is none. */
function trailerLengthOf(value: string): number {
  if (!value.endsWith(MARK) || value.length < TRAILER_LENGTH) return 0
  const size = value.endsWith(NO_OWNER) ? 0 : bytesOf(value.slice(-12, -4))?.readUInt16BE()
  if (size === undefined) return 0
  const length = TRAILER_LENGTH + 4 * Math.max(0, size - 1)
  return value.length >= length && /^[ \t\n\r]*$/.test(value.slice(-length)) ? length : 0
}

function digitsOf(bytes: Iterable<number>): string {
  let digits = ''
  for (const byte of bytes) digits += BYTES[byte]
  return digits
}

/** The bytes that the digits stand for; undefined if one is none. */
function bytesOf(digits: string): Buffer | undefined {
  const bytes = Buffer.alloc(digits.length / 4)
  for (let index = 0; index < digits.length; index++) {
    const digit = DIGITS.indexOf(digits[index]!)
    if (digit < 0) return undefined
    bytes[index >> 2] = (bytes[index >> 2]! << 2) | digit
  }
  return bytes
}

// Processes begin anywhere among 2^40 numbers, and count up.
let number = randomBytes(5).readUIntBE(0, 5)

function nextNumber(): string {
  number = (number + 1) % 2 ** 40
  const high = BYTES[Math.floor(number / 2 ** 32)]! + BYTES[number >>> 24]!
  return high + BYTES[(number >>> 16) & 0xff]! + BYTES[(number >>> 8) & 0xff]! + BYTES[number & 0xff]!
}
