import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Recent } from '../src/recent.ts'

const idOf = (at: number) => `id${String(at).padStart(2, '0')}`
/** Texts, each as large as it is long. */
const recentOf = (limit: number) => new Recent<string>(limit, (text) => text.length)
const text = 'x'.repeat(1_000)

describe('Recent', () => {
  it('is bounded: the latest stay, what was not set for long goes', () => {
    const recent = recentOf(20_000)
    for (let at = 0; at < 95; at++) recent.set(idOf(at), text)
    const kept = Array.from({ length: 95 }, (_, at) => idOf(at)).filter((id) => recent.get(id) !== undefined)
    assert.ok(kept.length <= 20 && kept.length >= 10, `${kept.length} are kept`)
    assert.ok(kept.includes(idOf(94)))
    assert.ok(!kept.includes(idOf(0)))
  })

  it('keeps what is asked for again and again, however many come and go', () => {
    const recent = recentOf(20_000)
    recent.set('asked for', text)
    recent.set('forgotten', text)
    for (let at = 0; at < 95; at++) {
      recent.set(idOf(at), text)
      assert.equal(recent.get('asked for'), text)
    }
    assert.equal(recent.get('forgotten'), undefined)
    assert.ok(recent.size <= 20, `${recent.size} are kept`)
  })

  it('counts what is set again once, so that few that change often are never forgotten', () => {
    const recent = recentOf(20_000)
    for (const id of ['a', 'b']) recent.set(id, text)
    for (let at = 0; at < 1_000; at++) recent.set('a', text)
    for (let at = 0; at < 100; at++) {
      recent.set('c', text)
      recent.delete('c')
    }
    assert.equal(recent.get('b'), text)
  })

  it('takes nothing that has no room, nor keeps what was there before it, and takes nothing at all when there is none', () => {
    const recent = recentOf(20_000)
    recent.set('a', 'old')
    recent.set('a', 'x'.repeat(10_001))
    assert.equal(recent.get('a'), undefined)
    const none = recentOf(0)
    none.set('a', 'b')
    assert.equal(none.get('a'), undefined)
  })

  it('forgets what is deleted, in both generations, and all of it', () => {
    const recent = recentOf(4_000)
    for (const id of ['a', 'b', 'c']) recent.set(id, text)
    assert.equal(recent.size, 3)
    // To ask for one first would bring it into the younger generation.
    for (const id of ['a', 'c']) {
      recent.delete(id)
      assert.equal(recent.get(id), undefined)
    }
    assert.equal(recent.size, 1)
    assert.equal(recent.get('b'), text)
    recent.clear()
    assert.equal(recent.get('b'), undefined)
    assert.equal(recent.size, 0)
  })

  it('gives the latest, wherever the one before is', () => {
    const recent = recentOf(4_000)
    for (const id of ['a', 'b', 'c']) recent.set(id, text)
    recent.set('a', 'new')
    for (const id of ['d', 'e']) recent.set(id, text)
    assert.ok([undefined, 'new'].includes(recent.get('a')))
  })
})
