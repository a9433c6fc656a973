import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'vitest'
import { Place } from '../src/place.ts'

const count = 25_600

describe('the place', () => {
  /** One map of a million ids stops the event loop each time it grows, and when its entries are listed. */
  it.each<[string, (index: number) => string]>([
    ['are random', () => randomBytes(24).toString('base64url')],
    ['count at their end', (index) => `tenant-of-ours:${index}`],
    ['count at their beginning', (index) => `${index}:tenant-of-ours`],
    ['count in their middle', (index) => `session-of-ours:${String(index).padStart(9, '0')}:and-of-nobody-else`],
  ])('spreads ids that %s over all of its maps', (_, idOf) => {
    const place = new Place(false)
    for (let index = 0; index < count; index++) place.put(idOf(index), '', Infinity, 0)
    const sizes = place.maps.map((map) => map.size)
    const even = count / sizes.length
    assert.ok(Math.max(...sizes) < 2 * even, `the largest has ${Math.max(...sizes)}, ${even} would be even`)
    assert.ok(Math.min(...sizes) > even / 2, `the smallest has ${Math.min(...sizes)}, ${even} would be even`)
  })
})
