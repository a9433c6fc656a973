import { crc32 } from 'node:zlib'
import type { Entry } from 'connect-databank/backend'

/**
 * A session's file: one line about the session, then the payload.
 *
 *     databank2 1767225600000            5d1c06ab 1f3a90c2 {"id":"the id","owner":"7"}
 *     {"cookie":{…},…}
 *
 * The expiry, or `never`, has a fixed width, so that a touch can overwrite it in place together with its checksum. The second
 * checksum is that of all bytes after it. Both are CRC-32: a file that was cut or altered is no session.
 */
const MAGIC = 'databank2 '
const EARLIER_MAGIC = 'databank1 '
const EXPIRES_WIDTH = 24
const CHECKSUM_WIDTH = 8

/** Where the expiry with its checksum begins. */
export const EXPIRY_OFFSET = MAGIC.length
/** The first bytes of a file, up to the end of the expiry's checksum. */
export const HEAD_LENGTH = EXPIRY_OFFSET + EXPIRES_WIDTH + 1 + CHECKSUM_WIDTH
const BODY_OFFSET = HEAD_LENGTH + 1 + CHECKSUM_WIDTH + 1
const NEWLINE = 10

/** Why a file holds no session. */
export const FOREIGN = 'it is not a file of this store'
const DAMAGED = 'the file is damaged'

/** Reused: nothing waits between filling and using it. A larger session gets a buffer of its own. */
const scratch = Buffer.allocUnsafeSlow(262_144)

/** The content of the first characters of a file. */
export interface Head {
  readonly expires: number | null
}

export interface SessionRecord extends Head {
  readonly id: string
  readonly payload: string
  readonly owner: string | null
}

/** Returns the bytes of the file. They are valid until the next call. */
export function encode(id: string, { payload, expires, owner }: Entry): Buffer {
  const about = `${JSON.stringify(owner == null ? { id } : { id, owner })}\n`
  const needed = BODY_OFFSET + 3 * (about.length + payload.length)
  const bytes = needed > scratch.length ? Buffer.allocUnsafe(needed) : scratch
  let end = BODY_OFFSET + bytes.write(about, BODY_OFFSET)
  end += bytes.write(payload, end)
  bytes.write(`${MAGIC}${encodeExpires(expires)} ${checksumOf(bytes.subarray(BODY_OFFSET, end))} `, 0, 'latin1')
  return bytes.subarray(0, end)
}

/** Returns the session in the file, or the reason why there is none. */
export function decode(bytes: Buffer): SessionRecord | string {
  const start = bytes.toString('latin1', 0, BODY_OFFSET)
  const head = decodeHead(start)
  if (typeof head === 'string') return head
  if (start.slice(HEAD_LENGTH) !== ` ${checksumOf(bytes.subarray(BODY_OFFSET))} `) return DAMAGED
  const end = bytes.indexOf(NEWLINE, BODY_OFFSET)
  const about = decodeAbout(bytes.toString('utf8', BODY_OFFSET, end))
  if (about === undefined) return DAMAGED
  return { id: about.id, payload: bytes.toString('utf8', end + 1), expires: head.expires, owner: about.owner }
}

/** Returns the content of the first characters of a file, or the reason why it holds no session. */
export function decodeHead(start: string): Head | string {
  if (start === '') return 'the file is empty'
  if (start.startsWith(EARLIER_MAGIC)) {
    return 'it was written by an earlier alpha of @connect-databank/disk, and this version cannot read it'
  }
  if (!start.startsWith(MAGIC)) return FOREIGN
  const text = start.slice(EXPIRY_OFFSET, EXPIRY_OFFSET + EXPIRES_WIDTH)
  if (start.slice(EXPIRY_OFFSET + EXPIRES_WIDTH, HEAD_LENGTH) !== ` ${checksumOf(text)}`) return DAMAGED
  return { expires: text.startsWith('never') ? null : Number(text) }
}

/** Returns the expiry with its checksum. */
export function encodeExpires(expires: number | null): string {
  const text = String(expires ?? 'never').padEnd(EXPIRES_WIDTH)
  return `${text} ${checksumOf(text)}`
}

/** Whether a file with this beginning is one of this store, intact or not. */
export function looksLikeOurs(start: string): boolean {
  return start === '' || start.startsWith(MAGIC) || start.startsWith(EARLIER_MAGIC)
}

/** Checks the content although the checksum matches: another program may have written it. */
function decodeAbout(text: string): { id: string; owner: string | null } | undefined {
  try {
    const { id, owner = null } = JSON.parse(text)
    return typeof id === 'string' && (owner === null || typeof owner === 'string') ? { id, owner } : undefined
  } catch {
    return undefined
  }
}

function checksumOf(data: Buffer | string): string {
  return crc32(data).toString(16).padStart(CHECKSUM_WIDTH, '0')
}
