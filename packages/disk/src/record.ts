import { crc32 } from 'node:zlib'
import type { Entry } from 'connect-databank'

/**
 * A session's file: a line that says whose it is, and the payload after it.
 *
 *     databank1 1f3a90c2 utf8 1767225600000 "the id, as JSON"
 *     {"cookie":{…},…}
 *
 * The number after the magic word is the CRC-32 of everything behind it: a file that was cut or altered is no session. `utf8` is
 * `utf16le` for a payload that UTF-8 cannot carry (half a surrogate pair). The death is that of the last write, `null` for never;
 * a touch leaves it and sets the file's time instead, see death.ts.
 */
const magic = 'databank1 '
const covered = magic.length + 9
const longestHeader = 262_144

// One for all, since nothing waits between filling and using it.
let scratch = Buffer.allocUnsafe(65_536)

/** The bytes of the file. They are valid until the next call. */
export function encode(id: string, { payload, expires }: Entry): Buffer {
  const encoding = isWellFormed(payload) ? 'utf8' : 'utf16le'
  const header = `${encoding} ${expires} ${JSON.stringify(id)}\n`
  const room = covered + 3 * (header.length + payload.length)
  if (scratch.length < room) scratch = Buffer.allocUnsafe(room)
  let end = covered + scratch.write(header, covered, 'utf8')
  end += scratch.write(payload, end, encoding)
  scratch.write(`${magic}${hex(crc32(scratch.subarray(covered, end)))} `, 0, 'latin1')
  const bytes = scratch.subarray(0, end)
  if (scratch.length > 1_048_576) scratch = Buffer.allocUnsafe(65_536)
  return bytes
}

export interface FileRecord extends Entry {
  readonly id: string
}

/** Whether this is how a file of ours begins, intact or not. */
export function looksLikeOurs(bytes: Buffer): boolean {
  return bytes.length >= covered && bytes.toString('latin1', 0, magic.length) === magic
}

/** What the file holds, or why it is no session. */
export function decode(bytes: Buffer): FileRecord | string {
  if (!looksLikeOurs(bytes)) return bytes.length === 0 ? 'the file is empty' : 'it is not a file of this store'
  if (bytes.toString('latin1', magic.length, covered) !== `${hex(crc32(bytes.subarray(covered)))} `) return 'the file is damaged'
  const headerEnd = bytes.indexOf(10, covered)
  if (headerEnd === -1 || headerEnd > longestHeader) return 'the file has no header'
  const header = /^(utf8|utf16le) (\S+) (".*")$/s.exec(bytes.toString('utf8', covered, headerEnd))
  if (header === null) return 'the header is not understood'
  const [, encoding, expires, id] = header as unknown as [string, 'utf8' | 'utf16le', string, string]
  const payload = bytes.toString(encoding, headerEnd + 1)
  try {
    return { id: JSON.parse(id), payload, expires: expires === 'null' ? null : Number(expires) }
  } catch {
    return 'the header is not understood'
  }
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0')
}

/** Node 20 has this method, TypeScript's library of its year does not know it. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}
