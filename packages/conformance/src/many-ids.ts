import { createHash } from 'node:crypto'
import { allHostileIds } from './ids.ts'

/** Numbers from 0 to 1, always the same after the same seed. */
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
  '\ud800',
  '\udc00',
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

/** Kinds of ids, each as likely as the others but the last. */
const kinds: readonly Make[] = [
  (pick) => `../${pick(short)}`,
  (pick) => pick(short) + pick(short),
  (pick) => pick(short) + pick(letters) + pick(short),
  (pick, random) => Array.from({ length: 1 + random() * 12 }, () => pick(letters)).join(''),
  // What differs by case or by normal form only.
  (pick) => `${pick(short)}${pick(letters)}`.toUpperCase(),
  (pick) => `${pick(short)}${pick(letters)}`.toLowerCase(),
  (pick) => `${pick(short)}${pick(letters)}`.normalize(pick(['NFC', 'NFD', 'NFKC', 'NFKD'])),
  // Any sixteen bits.
  (_pick, random) => String.fromCharCode(...Array.from({ length: 1 + random() * 6 }, () => random() * 65_536)),
  // What an escape or a hash of another id may look like.
  (pick) => encodeURIComponent(`${pick(short)}${pick(letters)}`.toWellFormed()),
  (pick) => `\ufdd0${pick(letters).charCodeAt(0).toString(16).padStart(4, '0')}${pick(short)}`,
  (pick) => `${pick(['#', 'utf16:', 'sha256:', ''])}${hash(pick(short) + pick(letters), pick(['hex', 'base64', 'base64url']))}`,
  (pick) => Buffer.from(pick(short) + pick(letters), 'utf16le').toString(pick(['hex', 'base64', 'base64url'])),
  // What sessions are called, and their neighbours.
  (_pick, random) => Buffer.from(Array.from({ length: 24 }, () => random() * 256)).toString('base64url'),
  (_pick, random) => String(Math.floor(random() * 100_000)),
]

/** One in so many is long: around the limits of keys and of file names, or ten kilobytes. */
const oneLongIn = 100
const lengths = [
  127, 128, 239, 240, 241, 249, 250, 251, 254, 255, 256, 511, 512, 1_023, 1_024, 1_025, 1_977, 1_978, 1_979, 4_095, 4_096, 10_240,
]

function hash(text: string, encoding: 'hex' | 'base64' | 'base64url'): string {
  return createHash('sha256').update(Buffer.from(text, 'utf16le')).digest(encoding)
}

/**
 * So many different ids that something, somewhere, takes for one another, for a path, a pattern, a property or a command: always the
 * same after the same seed. Those of `hostileIds` come first.
 */
export function manyIds(count: number, seed = 1): string[] {
  const random = randomAfter(seed)
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item
  const ids = new Set<string>(allHostileIds.slice(0, count))
  while (ids.size < count) {
    const id = pick(kinds)(pick, random)
    ids.add(random() * oneLongIn < 1 ? lengthened(id, pick(lengths)) : id)
    ids.delete('')
  }
  return [...ids]
}

/** Longer, and different from others only at its end. */
function lengthened(id: string, length: number): string {
  return 'k'.repeat(Math.max(0, length - id.length)) + id
}
