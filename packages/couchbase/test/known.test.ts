import { describe, expect, it } from 'vitest'
import { Known, type Seen } from '../src/known.ts'

const seen = (payload: string): Seen => ({ payload, expires: null, write: 'w', id: undefined, cas: 1 })
/** 1 000 characters, with what is counted beside the text. */
const text = 'x'.repeat(796)
const idOf = (at: number) => `id${String(at).padStart(2, '0')}`

describe('what a bank knows', () => {
  it('is bounded: the latest stay, what was not seen for long goes', () => {
    const known = new Known(20_000)
    for (let at = 0; at < 95; at++) known.set(idOf(at), seen(text))
    const kept = Array.from({ length: 95 }, (_, at) => idOf(at)).filter((id) => known.get(id) !== undefined)
    expect(kept.length).toBeLessThanOrEqual(20)
    expect(kept.length).toBeGreaterThanOrEqual(10)
    expect(kept).toContain(idOf(94))
    expect(kept).not.toContain(idOf(0))
  })

  it('counts what is seen again once, so that few that change often are never forgotten', () => {
    const known = new Known(20_000)
    for (const id of ['a', 'b']) known.set(id, seen(text))
    for (let at = 0; at < 1_000; at++) known.set('a', seen(text))
    for (let at = 0; at < 100; at++) {
      known.set('c', seen(text))
      known.delete('c')
    }
    expect(known.get('b')).toBeDefined()
  })

  it('takes nothing that has no room, and nothing at all when there is none', () => {
    const known = new Known(20_000)
    known.set('a', seen('old'))
    known.set('a', seen('x'.repeat(20_000)))
    expect(known.get('a')).toBeUndefined()
    const none = new Known(0)
    none.set('a', seen(''))
    expect(none.get('a')).toBeUndefined()
  })

  it('forgets what is deleted, in both generations', () => {
    const known = new Known(4_000)
    for (const id of ['a', 'b', 'c']) known.set(id, seen(text))
    for (const id of ['a', 'c']) {
      expect(known.get(id)).toBeDefined()
      known.delete(id)
      expect(known.get(id)).toBeUndefined()
    }
  })
})
