import { DatabankError } from 'connect-databank'
import { isBsonText } from './ids.ts'

/** What may stand in the field `session`: text; as bytes, UTF-16 text that UTF-8 cannot hold; a sub-document. */
export type StoredSession = string | Uint8Array | object

/** What MongoDB takes: 16 MiB a document, of which the other fields get a share. */
const largestDocument = 16 * 1024 * 1024
const room = 16 * 1024

/** The payload as text. */
export function textOf(payload: string): StoredSession {
  checkSize(payload)
  return isBsonText(payload) ? payload : Buffer.from(payload, 'utf16le')
}

/**
 * The payload as a sub-document. Its `cookie.expires` is a Date there, as connect-mongo stores it.
 *
 * @throws DATABANK_INVALID_SESSION for what would not come back from BSON to the letter
 */
export function subDocumentOf(payload: string): StoredSession {
  checkSize(payload)
  const session = parse(payload)
  if (!isObject(session) || JSON.stringify(session) !== payload)
    throw invalid('a sub-document can only hold the JSON of an object')
  checkBson(session)
  const { cookie } = session as { cookie?: { expires?: unknown } }
  if (isObject(cookie) && isIsoDate(cookie.expires))
    return { ...session, cookie: { ...cookie, expires: new Date(cookie.expires) } }
  return session
}

/**
 * The payload in this field, in whichever form it stands there; a sub-document as its JSON.
 *
 * @throws DATABANK_INVALID_RECORD
 */
export function payloadOf(session: unknown): string {
  if (typeof session === 'string') {
    if (isCiphertext(session))
      throw new DatabankError('DATABANK_INVALID_RECORD', 'the session was encrypted by connect-mongo (its option crypto)')
    return session
  }
  const bytes = bytesOf(session)
  if (bytes !== undefined) return bytes.toString('utf16le')
  if (isObject(session)) return JSON.stringify(session)
  throw new DatabankError(
    'DATABANK_INVALID_RECORD',
    'the document has no field `session` that is text or a sub-document (readDatabank: true reads those of connect-databank 1.x)',
  )
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isIsoDate(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const time = Date.parse(value)
  return !Number.isNaN(time) && new Date(time).toISOString() === value
}

function invalid(message: string): DatabankError {
  return new DatabankError('DATABANK_INVALID_SESSION', message)
}

function checkSize(payload: string): void {
  // A character has three bytes at most: most payloads need no counting.
  if (payload.length * 3 < largestDocument - room) return
  if (Buffer.byteLength(payload) > largestDocument - room) throw invalid('the session is larger than a document may be (16 MiB)')
}

/** What JSON can say and BSON cannot: some would be refused, some come back as something else. */
function checkBson(value: unknown): void {
  if (typeof value === 'string' && !isBsonText(value)) throw invalid('a sub-document cannot hold a lone surrogate')
  if (typeof value !== 'object' || value === null) return
  if (Object.hasOwn(value, '_bsontype') || (Object.hasOwn(value, '$ref') && Object.hasOwn(value, '$id'))) {
    throw invalid('a sub-document cannot hold what passes for a type of BSON (_bsontype, or $ref with $id)')
  }
  for (const [key, member] of Object.entries(value)) {
    if (key.includes('\0') || !isBsonText(key)) throw invalid('a sub-document cannot hold a key with a NUL or a lone surrogate')
    checkBson(member)
  }
}

/** The driver gives a Binary or, where it is told to, a Buffer. */
function bytesOf(value: unknown): Buffer | undefined {
  if (Buffer.isBuffer(value)) return value
  const binary = value as { _bsontype?: unknown; buffer?: unknown; position?: unknown } | null | undefined
  if (binary?._bsontype !== 'Binary' || !(binary.buffer instanceof Uint8Array)) return undefined
  const { buffer } = binary
  return Buffer.from(buffer.buffer, buffer.byteOffset, typeof binary.position === 'number' ? binary.position : buffer.byteLength)
}

/**
 * Whether this is what kruptein makes, connect-mongo's `crypto`: JSON of its parts or, in base64 or hex, one ASN.1 sequence of
 * them. A sequence begins with the length of the rest, which other text does not match by accident.
 */
function isCiphertext(text: string): boolean {
  if (text.startsWith('{"hmac":"')) return text.includes('"ct":"')
  const encoding = text.startsWith('MI') ? 'base64' : text.startsWith('308') ? 'hex' : undefined
  if (encoding === undefined || !/^[\w+/]+={0,2}$/.test(text)) return false
  const bytes = Buffer.from(text, encoding)
  const lengthSize = (bytes[1] ?? 0) & 0x7f
  if (lengthSize < 1 || lengthSize > 4 || bytes.length < 2 + lengthSize) return false
  return bytes.readUIntBE(2, lengthSize) === bytes.length - 2 - lengthSize
}
