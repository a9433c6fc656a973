import { createHash } from 'node:crypto'
import { allHostileIds } from './ids.ts'

/** A generator of numbers from 0 to 1: the same sequence for the same seed. */
function randomAfter(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const short = allHostileIds.filter((id) => id.length < 64)
const letters = [
  'a',
  'A',
  'é',
  'e\u0301',
  'ﬁ',
  'ß',
  'İ',
  'ı',
  '가',
  '\u1100\u1161',
  '界',
  '😀',
  '\0',
  '\n',
  '/',
  '\\',
  '*',
  '[',
  '{',
  '%',
  '$',
  ':',
  '.',
  '#',
]

type Make = (pick: <Item>(items: readonly Item[]) => Item, random: () => number) => string

/** Kinds of ids, all equally likely. */
const kinds: readonly Make[] = [
  (pick) => `../${pick(short)}`,
  (pick) => pick(short) + pick(short),
  (pick) => pick(short) + pick(letters) + pick(short),
  (pick, random) => Array.from({ length: 1 + random() * 12 }, () => pick(letters)).join(''),
  // Ids that differ by case or by normal form only.
  (pick) => `${pick(short)}${pick(letters)}`.toUpperCase(),
  (pick) => `${pick(short)}${pick(letters)}`.toLowerCase(),
  (pick) => `${pick(short)}${pick(letters)}`.normalize(pick(['NFC', 'NFD', 'NFKC', 'NFKD'])),
  // Any characters of the basic plane.
  (_pick, random) => String.fromCharCode(...Array.from({ length: 1 + random() * 6 }, () => random() * 65_536)),
  // Ids that look like the escape or the hash of another id.
  (pick) => encodeURIComponent(`${pick(short)}${pick(letters)}`.toWellFormed()),
  (pick) => `\ufdd0${pick(letters).charCodeAt(0).toString(16).padStart(4, '0')}${pick(short)}`,
  (pick) => `${pick(['#', 'utf16:', 'sha256:', ''])}${hash(pick(short) + pick(letters), pick(['hex', 'base64', 'base64url']))}`,
  (pick) => Buffer.from(pick(short) + pick(letters), 'utf16le').toString(pick(['hex', 'base64', 'base64url'])),
  // Ids as express-session makes them, and small numbers.
  (_pick, random) => Buffer.from(Array.from({ length: 24 }, () => random() * 256)).toString('base64url'),
  (_pick, random) => String(Math.floor(random() * 100_000)),
]

/** One of this many ids has about the greatest length. */
const LONG_ONE_IN = 100
const MAX_BYTES = 200

function hash(text: string, encoding: 'hex' | 'base64' | 'base64url'): string {
  return createHash('sha256').update(Buffer.from(text, 'utf16le')).digest(encoding)
}

/**
 * Different ids that some software confuses with each other, or with a path, a pattern, a property or a command: well-formed, of 1 to 200
 * bytes, and the same for the same seed. Those of `hostileIds` come first.
 */
export function manyIds(count: number, seed = 1): string[] {
  const random = randomAfter(seed)
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item
  const ids = new Set<string>(allHostileIds.slice(0, count))
  while (ids.size < count) {
    const id = pick(kinds)(pick, random).toWellFormed()
    const long = random() * LONG_ONE_IN < 1 ? padded(id, pick([127, 128, 199, 200])) : id
    if (long !== '' && Buffer.byteLength(long) <= MAX_BYTES) ids.add(long)
  }
  return [...ids]
}

/** As long as asked, in bytes, and different from others only at its end. */
function padded(id: string, bytes: number): string {
  return 'k'.repeat(Math.max(0, bytes - Buffer.byteLength(id))) + id
}
