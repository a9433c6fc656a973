import { DatabankError, type Entry } from 'connect-databank'

/** An entry as it is stored, and what is stored beside it. */
export interface Stored extends Entry {
  /** Names the write that made it; a touch leaves it alone. Undefined: it is a document of connect-couchbase. */
  readonly write: string | undefined
  /** The id that the document names, where its key is a hash. */
  readonly id: string | undefined
}

/** In every document of ours, first. */
const version = 1
/** The path of the death within a document. */
export const expiresPath = 'databank.expires'
const jsonFlags = 0x02_00_00_00

/** Bytes in, bytes out: the SDK's own transcoder would parse what we parse ourselves. */
export const transcoder = {
  encode: (bytes: Buffer): [Buffer, number] => [bytes, jsonFlags],
  decode: (bytes: Buffer): Buffer => bytes,
}

/**
 * The document of an entry: JSON, so that the server can change its death and leave the rest alone.
 * Text that has no UTF-8 form stands there as base64 of its UTF-16. Put together by hand, which takes half the time of
 * `JSON.stringify` of it all: what is not quoted here has no characters to escape.
 */
export function encode({ payload, expires }: Entry, write: string, id?: string): Buffer {
  const own = id === undefined ? '' : `,"id":"${base64Of(id)}"`
  const text = payload.isWellFormed() ? `"payload":${JSON.stringify(payload)}` : `"payload16":"${base64Of(payload)}"`
  const databank = `{"version":${version},"expires":${JSON.stringify(expires)},"write":"${write}"${own}}`
  return Buffer.from(`{"databank":${databank},${text}}`)
}

function base64Of(text: string): string {
  return Buffer.from(text, 'utf16le').toString('base64')
}

/**
 * What a document holds. One that is not of this bank is taken for one of connect-couchbase: the session itself.
 *
 * @throws DATABANK_INVALID_RECORD if a later version of this bank wrote it
 */
export function decode(bytes: Uint8Array): Stored {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  const document = parsed(text)
  const { databank, payload, payload16 } = document as {
    databank?: Record<string, unknown>
    payload?: string
    payload16?: string
  }
  if (typeof databank !== 'object' || databank === null || 'cookie' in document) return foreign(text, document)
  const { expires, write, id } = databank
  const isKnown =
    databank['version'] === version && (expires === null || typeof expires === 'number') && typeof write === 'string'
  const ownPayload = typeof payload16 === 'string' ? Buffer.from(payload16, 'base64').toString('utf16le') : payload
  if (!isKnown || typeof ownPayload !== 'string') {
    throw new DatabankError('DATABANK_INVALID_RECORD', 'couchbase: the document is damaged, or of a later version')
  }
  return {
    payload: ownPayload,
    expires: expires as number | null,
    write,
    id: typeof id === 'string' ? Buffer.from(id, 'base64').toString('utf16le') : undefined,
  }
}

/** A document of connect-couchbase; it dies when its cookie does, unless the server knows better. */
function foreign(text: string, document: object): Stored {
  const { cookie } = document as { cookie?: { expires?: unknown } | null }
  const time = typeof cookie?.expires === 'string' ? Date.parse(cookie.expires) : Number.NaN
  return { payload: text, expires: Number.isNaN(time) ? null : time, write: undefined, id: undefined }
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

const lastSecond = 0xff_ff_ff_ff
/** Before the second of January 1970 or thereabouts the SDK takes a date for a mistake. */
const firstSecond = 259_201

/**
 * When the server may free what dies then: at the next full second, as an absolute time, since a relative one means something
 * else from 30 days on. 0, never, for what lives longer than the server can count.
 */
export function serverExpiry(expires: number | null): Date | 0 {
  if (expires === null) return 0
  const second = Math.max(firstSecond, Math.floor(expires / 1000) + 1)
  return second > lastSecond ? 0 : new Date(second * 1000)
}
