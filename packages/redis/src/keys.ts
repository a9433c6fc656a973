/**
 * Where an id lives: under the prefix followed by the id itself, which is how connect-redis names its keys.
 *
 * A key is bytes, an id any string: a lone surrogate has no UTF-8 form, and all of them would become U+FFFD. Such an id, and
 * one that holds U+FDD0 (a code point that no text uses), has these characters replaced by U+FDD0 and their four hex digits.
 */
export function keyOf(prefix: string, id: string): string {
  return prefix + (UNSPEAKABLE.test(id) ? id.replace(new RegExp(UNSPEAKABLE, 'gu'), escapeCharacter) : id)
}

/** The id that lives under this key; the key begins with the prefix. */
export function idOf(prefix: string, key: string): string {
  const id = key.slice(prefix.length)
  return id.includes(MARK) ? id.replace(ESCAPED, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))) : id
}

/** Where the index of all ids lives. No session has this key: in an id four hex digits follow the mark. */
export function indexKeyOf(prefix: string): string {
  return `${prefix}${MARK}index`
}

/** The pattern for SCAN that only keys with this prefix match. */
export function patternOf(prefix: string): string {
  return `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`
}

const MARK = '\ufdd0'
/** A lone surrogate (in a `u` pattern a pair is one character, which this does not match), or the mark. */
const UNSPEAKABLE = /[\ud800-\udfff\ufdd0]/u
const ESCAPED = /\ufdd0([0-9a-f]{4})/g

function escapeCharacter(character: string): string {
  return MARK + character.charCodeAt(0).toString(16).padStart(4, '0')
}

/** The slot of a Redis Cluster that the key belongs to: only keys of one slot may go into one command. */
export function slotOf(key: string): number {
  return crc16(Buffer.from(hashed(key))) % 16_384
}

/** Between the first `{` and the next `}`, if something is there: so the server reads keys, those of our ids too. */
function hashed(key: string): string {
  const open = key.indexOf('{')
  const close = open < 0 ? -1 : key.indexOf('}', open)
  return close > open + 1 ? key.slice(open + 1, close) : key
}

/** CRC-16/XMODEM, which is the one that Redis Cluster takes. */
function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1
  }
  return crc
}
