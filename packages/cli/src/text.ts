import stringWidth from 'string-width'

/** Characters that a terminal executes or hides: controls, directions, line separators. Ids and owners may hold any. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu
/** Joins emoji into one. */
const ZERO_WIDTH_JOINER = '\u200d'

/** The text with its unprintable characters written as `\u{1b}`. */
export function visible(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    character === ZERO_WIDTH_JOINER ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  )
}

const graphemes = new Intl.Segmenter()

/** The text in exactly so many columns: padded, or cut off with an ellipsis. */
export function fit(text: string, columns: number): string {
  const width = stringWidth(text)
  if (width <= columns) return text + ' '.repeat(columns - width)
  let cut = ''
  for (const { segment } of graphemes.segment(text)) {
    if (stringWidth(cut + segment) >= columns) break
    cut += segment
  }
  return fit(`${cut}…`, columns)
}

const UNITS: readonly (readonly [milliseconds: number, name: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
]

/** A time span in its largest unit that gives at least 2, such as `36 h` or `5 min`. */
export function duration(milliseconds: number): string {
  const [unit, name] = UNITS.find(([each]) => milliseconds >= 2 * each) ?? UNITS.at(-1)!
  return `${Math.floor(milliseconds / unit)} ${name}`
}

/** How long until an expiry: `36 h`, or `never`. */
export function timeLeft(expires: number | null, now: number): string {
  return expires === null ? 'never' : duration(expires - now)
}

/** A number of bytes, such as `512 B` or `2.1 kB`. */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  const [unit, name] = bytes < 999_950 ? [1_000, 'kB'] : [1_000_000, 'MB']
  const value = bytes / unit
  return `${value < 99.95 ? value.toFixed(1) : Math.round(value)} ${name}`
}

/** A time in UTC: `2026-11-28 07:24:10Z`. */
export function time(milliseconds: number): string {
  return `${iso(milliseconds).slice(0, -5).replace('T', ' ')}Z`
}

/** The last millisecond that a Date can hold. A database may have later ones. */
const END_OF_TIME = 8.64e15

export function iso(milliseconds: number): string {
  return new Date(Math.min(milliseconds, END_OF_TIME)).toISOString()
}

/** `1 session`, `1,234 sessions`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${number(count)} ${count === 1 ? singular : plural}`
}

export function number(value: number): string {
  return value.toLocaleString('en-US')
}

/** A text in lines of at most so many columns, broken at spaces. A longer word has a line of its own. */
export function wrapped(text: string, columns: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line === '') lines[lines.length - 1] = word
    else if (stringWidth(line) + 1 + stringWidth(word) <= columns) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}
