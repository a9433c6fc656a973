// Texts in columns: lengths, durations, sizes, and what a terminal must not obey.
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import type { MoveProgress } from '../src/move/index.ts'
import { progressLine } from '../src/progress.ts'
import { counted, duration, fit, size, time, timeLeft, visible, wrapped } from '../src/text.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

it.each([
  [0, '0 s'],
  [119_999, '119 s'],
  [2 * MINUTE, '2 min'],
  [119 * MINUTE, '119 min'],
  [2 * HOUR, '2 h'],
  [47 * HOUR, '47 h'],
  [400 * DAY, '400 d'],
])('%i ms are %s', (milliseconds, expected) => {
  expect(duration(milliseconds)).toBe(expected)
})

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [99_900, '99.9 kB'],
  [99_960, '100 kB'],
  [999_949, '1000 kB'],
  [999_950, '1.0 MB'],
  [123_456_789, '123 MB'],
])('%i bytes are %s', (bytes, expected) => {
  expect(size(bytes)).toBe(expected)
})

it('times, counts and expiries', () => {
  expect(time(Date.UTC(2026, 10, 28, 7, 4, 5, 6))).toBe('2026-11-28 07:04:05Z')
  expect(time(Number.MAX_SAFE_INTEGER)).toBe('+275760-09-13 00:00:00Z')
  expect([counted(1, 'id'), counted(1_234, 'id')]).toEqual(['1 id', '1,234 ids'])
  expect([timeLeft(null, 0), timeLeft(5 * MINUTE, 0)]).toEqual(['never', '5 min'])
})

it.each([
  ['ada', 5, 'ada  '],
  ['ada', 3, 'ada'],
  ['ada@example.org', 6, 'ada@e…'],
  ['名前名前', 5, '名前…'],
  ['名前名前', 4, '名… '],
  ['👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 3, '👩‍👩‍👧‍👦…'],
])('%s fits into %i columns', (text, columns, expected) => {
  expect(fit(text, columns)).toBe(expected)
  expect(stringWidth(fit(text, columns))).toBe(columns)
})

it.each([
  ['a\u001b[31mb', 'a\\u{1b}[31mb'],
  ['a\r\nb\u0000\u007f\u009b', 'a\\u{d}\\u{a}b\\u{0}\\u{7f}\\u{9b}'],
  ['\u202egro.elpmaxe', '\\u{202e}gro.elpmaxe'],
  ['\ud800', '\\u{d800}'],
  ['Ada Lovelace 名前 é 👩‍👩‍👧‍👦', 'Ada Lovelace 名前 é 👩‍👩‍👧‍👦'],
])('%j is printed as text', (text, expected) => {
  expect(visible(text)).toBe(expected)
})

describe('the line of a move', () => {
  const progress: MoveProgress = {
    ...{ phase: 'copying', round: 1, seen: 450_000, total: 1_000_000, rate: 12_345, timeLeft: 44_500, isEqual: false },
    ...{ changes: 34, isTargetUsed: false, copied: 0, updated: 0, ended: 0, skipped: 0, newer: 0, differing: 0, refused: 0 },
    ...{ expired: 0, corrupt: 0, deleted: 0 },
  }
  const characters = { barGlue: '', barCompleteString: '#'.repeat(100), barIncompleteString: '.'.repeat(100) }
  const { total: _total, timeLeft: _timeLeft, ...uncounted } = progress

  it.each([
    [79, progress, 'copying  #########..........   45%    450,000 of 1,000,000  12,345/s  44 s left'],
    [39, progress, 'copying  ######.......   45%  44 s left'],
    [20, progress, 'copying   45%'],
    [79, uncounted, 'copying  450,000 sessions  12,345/s'],
    [79, { ...progress, phase: 'following', isEqual: true }, 'equal, ready for the application'],
    [79, { ...progress, phase: 'following' }, '34 behind, ready for the application'],
    [39, { ...progress, phase: 'following', isTargetUsed: true }, '34 behind, in use by the application'],
    [
      39,
      { ...progress, problem: 'Redis: \u001b[2Jconnect ECONNREFUSED 127.0.0.1:6379' },
      'copying: Redis: \\u{1b}[2Jconnect ECONN…',
    ],
  ] as const)('has %i columns', (columns, shown, expected) => {
    const line = progressLine(shown, columns, characters)
    expect(line.trimEnd()).toBe(expected)
    expect(line).toHaveLength(columns)
  })
})

it.each([
  ['one two three', 7, ['one two', 'three']],
  ['名前 名前 a', 9, ['名前 名前', 'a']],
  ['extraordinarily long', 5, ['extraordinarily', 'long']],
])('%s is broken into lines of %i columns', (text, columns, expected) => {
  expect(wrapped(text, columns)).toEqual(expected)
})
