import { createHash } from 'node:crypto'

/** Keys are limited to 250 bytes, of which the name of a collection takes some. */
const longestKey = 240
/** What follows the prefix in the key of a hashed id. */
const mark = '#'

/** Where an id lives, and whether its document has to say whose it is. */
export interface Place {
  readonly key: string
  readonly isHashed: boolean
}

/**
 * The key of an id: the prefix and the id, as connect-couchbase has it. An id that is too long for that, that has no UTF-8 form
 * (a lone surrogate) or that looks like a hash is hashed.
 *
 * @throws TypeError if even a hash is too long behind this prefix
 */
export function placeOf(prefix: string, id: string): Place {
  const key = prefix + id
  const isPlain = key.length <= longestKey && id.isWellFormed() && !id.startsWith(mark) && Buffer.byteLength(key) <= longestKey
  if (isPlain) return { key, isHashed: false }
  const hash = createHash('sha256').update(Buffer.from(id, 'utf16le')).digest('base64url')
  return { key: `${prefix}${mark}${hash}`, isHashed: true }
}

/** The id of a key that begins with the prefix; undefined if the document must tell. */
export function idOf(prefix: string, key: string): string | undefined {
  const id = key.slice(prefix.length)
  return id.startsWith(mark) ? undefined : id
}

/** The longest prefix, in bytes, that leaves room for a hash. */
export const longestPrefix = longestKey - mark.length - 43
