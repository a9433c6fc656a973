// What is stored as a session's value: every payload and owner is read as it was written, and other programs' values as they are.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTrailer, NEVER, newTrailer, ownerOf, storedOf } from '../src/records.ts'

const whitespace = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 80 })
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const payloads = fc.oneof(
  text,
  whitespace,
  fc.tuple(text, whitespace).map(([a, b]) => a + b),
  fc.constant(newTrailer('ada')),
)
const owners = fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme', maxLength: 200 }), fc.constant('😀'.repeat(256)))

describe('a value', () => {
  it('holds any payload and any owner, and has a version of its own', () => {
    fc.assert(
      fc.property(payloads, owners, (payload, owner) => {
        const version = newTrailer(owner)
        expect(version).toMatch(/^[ \t\n\r]{32,}$/)
        expect(storedOf(payload + version, NEVER)).toEqual({ payload, expires: null, owner, version })
        expect(isTrailer(version)).toBe(true)
        expect(ownerOf(version)).toBe(owner)
        expect(newTrailer(owner)).not.toBe(version)
      }),
      { numRuns: 2_000 },
    )
  })

  it('of another program is its own version, and has no owner, whatever whitespace it ends with', () => {
    const trailer = newTrailer('ada')
    const parts = Array.from({ length: trailer.length - 1 }, (_, length) => trailer.slice(0, length))
    const ends = [
      '',
      '\n',
      '\r\n',
      ' '.repeat(100),
      '\n'.repeat(32),
      newTrailer(null).slice(1),
      `${newTrailer('ada')}x`,
      ...parts,
    ]
    for (const end of ends) {
      for (const payload of ['{"a":1}', '']) {
        const value = payload + end
        expect(storedOf(value, 1), JSON.stringify(end)).toEqual({ payload: value, expires: 1, owner: null })
        expect(isTrailer(value), JSON.stringify(end)).toBe(false)
      }
    }
    // The end of a trailer whose beginning is missing says that more belongs to it.
    expect(storedOf(`{}${trailer.slice(1)}`, 1)).toEqual({ payload: `{}${trailer.slice(1)}`, expires: 1, owner: null })
  })

  it('has a version that no other write has', () => {
    const versions = new Set(Array.from({ length: 100_000 }, () => newTrailer(null)))
    expect(versions.size).toBe(100_000)
  })
})
