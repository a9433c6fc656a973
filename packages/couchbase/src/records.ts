import { createHash } from 'node:crypto'
import { type Entry, isRecord, type Stored } from 'connect-databank/backend'

/** The content of a document. */
export interface StoredRecord extends Stored {
  readonly version: string
  /** Whether it is in this package's own layout. Others are documents of connect-couchbase or of other programs. */
  readonly isOwn: boolean
}

/** The number of the layout, in every document. */
const LAYOUT = 1
/** The path of the expiry within a document. */
export const EXPIRES_PATH = 'databank.expires'
const JSON_FLAGS = 0x02_00_00_00

/** The SDK takes and returns bytes: its own transcoder would parse the documents a second time. */
export const transcoder = {
  encode: (bytes: Buffer): [Buffer, number] => [bytes, JSON_FLAGS],
  decode: (bytes: Buffer): Buffer => bytes,
}

/**
 * The document of an entry. It is JSON, so that the server can change the expiry and nothing else. Without
 * `JSON.stringify` for the whole, which takes twice the time: the other values have no characters to escape.
 */
export function encode({ payload, expires, owner = null }: Entry, version: string): Buffer {
  const ownerField = owner === null ? '' : `,"owner":${JSON.stringify(owner)}`
  const databank = `{"version":${LAYOUT},"expires":${JSON.stringify(expires)},"write":${JSON.stringify(version)}${ownerField}}`
  return Buffer.from(`{"databank":${databank},"payload":${JSON.stringify(payload)}}`)
}

/** The content of a document. One that is not in our layout counts as one of connect-couchbase: the session itself. */
export function decode(bytes: Uint8Array): StoredRecord {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  const document = parse(text)
  const { databank, payload } = document
  if (!isRecord(databank) || 'cookie' in document) return foreignRecord(text, document)
  const { version: layout, expires, write, owner } = databank
  const isExpiry = expires === null || (typeof expires === 'number' && Number.isFinite(expires))
  if (layout !== LAYOUT || !isExpiry || typeof write !== 'string' || typeof payload !== 'string') {
    return { ...foreignRecord(text, document), corrupt: 'the document is damaged, or a later version of this package wrote it' }
  }
  return { payload, expires, version: write, isOwn: true, ...(typeof owner === 'string' && { owner }) }
}

/** A document of connect-couchbase. It expires with its cookie, unless the server knows better. */
function foreignRecord(text: string, { cookie }: Record<string, unknown>): StoredRecord {
  const expires = isRecord(cookie) ? cookie['expires'] : undefined
  const time = typeof expires === 'string' ? Date.parse(expires) : Number.NaN
  // A hash, so that a touch, which rewrites the document in our layout, can keep it.
  const version = createHash('sha256').update(text).digest('base64url')
  return { payload: text, expires: Number.isNaN(time) ? null : time, version, isOwn: false }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

const LAST_SECOND = 0xff_ff_ff_ff
/** The SDK refuses an earlier date. */
const FIRST_SECOND = 259_201

/**
 * When the server may delete a document: at the next full second after its expiry, as an absolute time, because a relative one has
 * another meaning from 30 days on. 0, never, for an expiry after the server's last second.
 */
export function serverExpiry(expires: number | null): Date | 0 {
  if (expires === null) return 0
  const second = Math.max(FIRST_SECOND, Math.floor(expires / 1000) + 1)
  return second > LAST_SECOND ? 0 : new Date(second * 1000)
}
