import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { type Mortal, Wheel } from '../src/wheel.ts'

interface Member extends Mortal {
  name: number
}

const go = () => false
const start = Date.UTC(2026, 0, 1)
const day = 86_400_000
const member = (name: number): Member => ({ name, expires: Infinity, slot: null, place: 0 })

/** Expiries near and far, and on both sides of every boundary between slots and levels. */
const distance = fc.oneof(
  fc.integer({ min: -5_000, max: 200_000 }),
  fc.integer({ min: 0, max: 400 * day }),
  fc.integer({ min: 0, max: 35 }).chain((bits) => fc.integer({ min: -1, max: 1 }).map((off) => 2 ** bits * 1024 + off)),
  fc.constantFrom(Infinity, 8.64e15 - start, 2 ** 42 - start, 2 ** 42 - start - 1),
)

describe('the wheel', () => {
  it('hands over exactly who died in a second that is over, whatever the order of moves and turns', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('move' as const), name: fc.nat(20), distance }),
      fc.record({ kind: fc.constant('remove' as const), name: fc.nat(20), distance: fc.constant(0) }),
      fc.record({ kind: fc.constant('turn' as const), name: fc.constantFrom(1, 2, 1000), distance: fc.nat(40 * day) }),
    )
    const check = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const wheel = new Wheel<Member>(start)
      const members = Array.from({ length: 21 }, (_, name) => member(name))
      const expected = new Map<number, number>()
      // Who is dead on arrival is freed when the second of the arrival is over.
      const arrival = new Map<number, number>()
      let now = start
      for (const { kind, name, distance } of steps) {
        if (kind === 'turn') {
          // Small slices: the wheel is left in the middle of its work, and the next step meets it there.
          let budget = name
          now += distance
          const finished = wheel.advance(
            now,
            (each) => {
              assert.ok(expected.get(each.name)! <= now, 'freed alive')
              expected.delete(each.name)
            },
            () => --budget <= 0,
          )
          if (!finished) continue
          for (const [each, expires] of expected) {
            assert.ok(Math.floor(Math.max(expires, arrival.get(each)!) / 1024) >= Math.floor(now / 1024), 'not freed')
          }
        } else if (kind === 'remove') {
          wheel.remove(members[name]!)
          expected.delete(name)
        } else {
          wheel.move(members[name]!, now + distance)
          arrival.set(name, now)
          if (distance === Infinity) expected.delete(name)
          else expected.set(name, now + distance)
        }
        assert.equal(wheel.size, expected.size)
        for (const time of [now, now + day]) {
          const seen = new Set([...wheel.dueAt(time)].flat().map((each) => each.name))
          for (const [each, expires] of expected) if (expires <= time) assert.ok(seen.has(each), 'dueAt misses one')
        }
      }
    })
    fc.assert(check, { numRuns: 3_000 })
  })

  it('jumps over years without anybody to free', () => {
    const wheel = new Wheel<Member>(0)
    const freed: number[] = []
    wheel.move(member(1), start + 100 * 365 * day)
    wheel.advance(start, (each) => freed.push(each.name), go)
    wheel.move(member(2), start + 5_000)
    wheel.advance(start + 7_000, (each) => freed.push(each.name), go)
    assert.deepEqual(freed, [2])
  })

  it('frees later, never earlier, when the clock is set back', () => {
    const wheel = new Wheel<Member>(start)
    const freed: number[] = []
    const free = (each: Member) => freed.push(each.name)
    wheel.advance(start + day, free, go)
    wheel.move(member(1), start + 10_000)
    wheel.advance(start + 9_000, free, go)
    assert.deepEqual(freed, [])
    wheel.advance(start + day + 2_000, free, go)
    assert.deepEqual(freed, [1])
  })
})
