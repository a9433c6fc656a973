import { DatabankError, type Entry, isRecord, type Stored } from 'connect-databank/backend'
import type { Document } from 'mongodb'

/** A document as the driver returns it. One of another program may have another `_id`. */
export type StoredDocument = Document & { readonly _id: string }

/**
 * How the driver reads BSON, independently of the client's settings. Invalid UTF-8 in one document must not fail a read of
 * many, so it is read as U+FFFD.
 */
export const BSON_OPTIONS = {
  promoteValues: true,
  promoteLongs: true,
  promoteBuffers: false,
  useBigInt64: false,
  bsonRegExp: false,
  raw: false,
  fieldsAsRaw: {},
  ignoreUndefined: false,
  serializeFunctions: false,
  enableUtf8Validation: false,
}

const NO_SESSION = 'the document has no field session (the option readDatabank: true reads documents of connect-databank 1.x)'

/**
 * The layout of connect-mongo, and the owner beside it: `{ _id, session, expires, owner }`. `expires` is a Date; it is missing where
 * a session never expires. Other fields stay.
 */
export const sessionRecords = {
  /** The entry of a document. */
  storedOf({ session, expires, owner }: StoredDocument): Stored {
    const payload = typeof session === 'string' ? session : (JSON.stringify(session) ?? '')
    const time = timeOf(expires)
    const own = typeof owner === 'string' ? { owner } : undefined
    if (time !== undefined) return { payload, expires: time, ...own, ...(session === undefined && { corrupt: NO_SESSION }) }
    const version = `expires ${JSON.stringify(expires)}, ${payload}`
    return { payload, expires: null, version, ...own, corrupt: 'the field expires of the document is no date' }
  },

  /** Matches documents that are unexpired at `now`. Without `$or`, so that one index serves. A missing `expires` matches as well. */
  live: (now: number): Document => ({ expires: { $not: { $lte: new Date(now) } } }),
  /** Matches documents that have expired at `now`. */
  expired: (now: number): Document => ({ expires: { $lte: new Date(now) } }),

  /** The updates that change the expiry of this document, if it is unexpired at `now`: filter and change. */
  touches: (_id: string, expires: number | null, now: number): (readonly [Document, Document])[] => [
    [
      { _id, ...sessionRecords.live(now) },
      expires === null ? { $unset: { expires: '' } } : { $set: { expires: storedTime(expires) } },
    ],
  ],

  /** Matches this document until its session changes. */
  unchanged: ({ _id, session }: StoredDocument): Document => ({
    _id,
    session: session === undefined ? { $exists: false } : { $eq: session },
  }),

  /** The change that stores the entry in a document. `session` is the payload in its stored form. */
  changeTo(session: string | object, { expires, owner = null }: Entry): Document | Document[] {
    const set = fieldsOf(session, expires, owner)
    if (expires !== null && owner !== null) return { $set: set }
    return { $set: set, $unset: { ...(expires === null && { expires: '' }), ...(owner === null && { owner: '' }) } }
  },
}

export type Records = typeof sessionRecords

/**
 * Also reads documents that connect-databank 1.x wrote with databank-mongodb: the session's own fields at the top level,
 * `cookie.expires` as ISO text. They are recognized by their field `cookie`. A write replaces one by a document in the layout above,
 * a touch leaves it in its own.
 */
export const databankRecords: Records = {
  storedOf: (document) => (isDatabankRecord(document) ? storedOfDatabank(document) : sessionRecords.storedOf(document)),

  // Each condition matches the documents of the other layout: they lack the field that it names.
  live: (now) => ({ ...sessionRecords.live(now), 'cookie.expires': { $not: { $lte: isoOf(now) } } }),
  expired: (now) => ({ $or: [sessionRecords.expired(now), { 'cookie.expires': { $lte: isoOf(now) } }] }),

  touches: (_id, expires, now) => [
    ...sessionRecords
      .touches(_id, expires, now)
      .map(([filter, change]) => [{ ...filter, cookie: { $exists: false } }, change] as const),
    [
      { _id, cookie: { $exists: true }, ...databankRecords.live(now) },
      { $set: { 'cookie.expires': expires === null ? null : isoOf(expires) } },
    ],
  ],

  unchanged: (document) => (isDatabankRecord(document) ? sameFields(document) : sessionRecords.unchanged(document)),

  changeTo(session, { expires, owner = null }) {
    const set = fieldsOf({ $literal: session }, expires, owner === null ? null : { $literal: owner })
    return [{ $unset: ['expires', 'owner'] }, { $replaceWith: { $mergeObjects: [fieldsThatStay, set] } }]
  },
}

/** The fields that stay: all of a document, or only the `_id` of a document of 1.x, whose other fields belong to the session. */
const fieldsThatStay = { $cond: [{ $eq: [{ $type: '$cookie' }, 'missing'] }, '$$ROOT', { _id: '$_id' }] }

function isDatabankRecord(document: StoredDocument): boolean {
  return Object.hasOwn(document, 'cookie')
}

function fieldsOf(session: unknown, expires: number | null, owner: unknown): Record<string, unknown> {
  return { session, ...(expires !== null && { expires: storedTime(expires) }), ...(owner !== null && { owner }) }
}

/** The end of the year 9999. Many languages cannot represent a later date, and fail on BSON that holds one. */
const LAST_DATE = 253_402_300_799_999

/** As a Date or, after the year 9999, as a number: in conditions on dates and for the TTL index, a number is unexpired. */
function storedTime(time: number): Date | number {
  return time > LAST_DATE ? time : new Date(time)
}

/** The expiry of a document; undefined if its field `expires` has a value that no store writes. */
function timeOf(expires: unknown): number | null | undefined {
  if (expires === undefined || expires === null) return null
  const time =
    expires instanceof Date ? expires.getTime() : typeof expires === 'number' && expires > LAST_DATE ? expires : Number.NaN
  return Number.isFinite(time) ? time : undefined
}

function storedOfDatabank({ _id, ...record }: StoredDocument): Stored {
  const { sid, ...session } = decodeKeys(record) as Record<string, unknown>
  // Without the schema of 1.x, its driver also stored the id in the record.
  if (sid !== undefined && sid !== _id) session['sid'] = sid
  const { expires } = (session['cookie'] ?? {}) as { expires?: unknown }
  const time = typeof expires === 'string' ? Date.parse(expires) : Number.NaN
  return { payload: JSON.stringify(session), expires: Number.isNaN(time) ? null : time }
}

/** The original field names: databank-mongodb replaced the first dot and the first `$`, which MongoDB did not accept. */
function decodeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decodeKeys)
  if (typeof value !== 'object' || value === null || value.constructor !== Object) return value
  const decoded = Object.entries(value).map(([key, member]) => [
    key.replace('\xff0e', '.').replace('\xff04', '$'),
    decodeKeys(member),
  ])
  return Object.fromEntries(decoded)
}

/** Matches a document with the same fields and values, in any order, and no others. */
function sameFields({ _id, ...fields }: StoredDocument): Document {
  const size = Object.keys(fields).length + 1
  return {
    _id,
    ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { $eq: value }])),
    $expr: { $eq: [{ $size: { $objectToArray: '$$ROOT' } }, size] },
  }
}

/** ISO texts compare as their times do, up to the year 9999. */
function isoOf(time: number): string {
  return new Date(Math.min(time, LAST_DATE)).toISOString()
}

/** The largest payload in bytes: a document has 16 MiB, of which the other fields need some. */
const LARGEST_PAYLOAD = 16 * 1024 * 1024 - 16 * 1024

/** @throws DATABANK_INVALID_SESSION */
export function checkSize(payload: string): void {
  // A character has at most three bytes: most payloads need no counting.
  if (payload.length * 3 < LARGEST_PAYLOAD || Buffer.byteLength(payload) <= LARGEST_PAYLOAD) return
  throw new DatabankError('DATABANK_INVALID_SESSION', 'MongoDB: the session is larger than a document may be (16 MiB)')
}

/**
 * The payload as a sub-document, which queries can look into. Its `cookie.expires` is a Date, as connect-mongo stores it. A session
 * that BSON would change stays text.
 */
export function subDocumentOf(payload: string): string | object {
  const session = parse(payload)
  if (!isRecord(session) || JSON.stringify(session) !== payload || !isExactInBson(session, 0)) return payload
  const { cookie } = session
  if (!isRecord(cookie) || !isIsoDate(cookie['expires'])) return session
  return { ...session, cookie: { ...cookie, expires: new Date(cookie['expires']) } }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isIsoDate(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const time = Date.parse(value)
  return !Number.isNaN(time) && new Date(time).toISOString() === value
}

/** MongoDB accepts a hundred levels. The document and the command need some of them. */
const DEEPEST_LEVEL = 90

/** Whether BSON keeps this JSON exactly. */
function isExactInBson(value: unknown, level: number): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  // The driver treats these as BSON types.
  const isBsonType = Object.hasOwn(value, '_bsontype') || (Object.hasOwn(value, '$ref') && Object.hasOwn(value, '$id'))
  if (isBsonType || level > DEEPEST_LEVEL) return false
  return Object.entries(value).every(
    ([key, member]) => !key.includes('\0') && key.isWellFormed() && isExactInBson(member, level + 1),
  )
}
