import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { LruCache } from '../src/backend/lru-cache.ts'

const idOf = (at: number) => `id${String(at).padStart(2, '0')}`
/** Of texts, each as large as it is long. */
const cacheOf = (limit: number) => new LruCache<string>(limit, (text) => text.length)
const text = 'x'.repeat(1_000)

describe('LruCache', () => {
  it('is bounded: the latest values stay, and those that were not set for long are dropped', () => {
    const cache = cacheOf(20_000)
    for (let at = 0; at < 95; at++) cache.set(idOf(at), text)
    const kept = Array.from({ length: 95 }, (_, at) => idOf(at)).filter((id) => cache.get(id) !== undefined)
    assert.ok(kept.length <= 20 && kept.length >= 10, `${kept.length} are kept`)
    assert.ok(kept.includes(idOf(94)))
    assert.ok(!kept.includes(idOf(0)))
  })

  it('keeps what is used again and again, however many others are set', () => {
    const cache = cacheOf(20_000)
    cache.set('used', text)
    cache.set('unused', text)
    for (let at = 0; at < 95; at++) {
      cache.set(idOf(at), text)
      assert.equal(cache.get('used'), text)
    }
    assert.equal(cache.get('unused'), undefined)
    assert.ok(cache.size <= 20, `${cache.size} are kept`)
  })

  it('counts a value that is set again once, so that few values that change often are never dropped', () => {
    const cache = cacheOf(20_000)
    for (const id of ['a', 'b']) cache.set(id, text)
    for (let at = 0; at < 1_000; at++) cache.set('a', text)
    for (let at = 0; at < 100; at++) {
      cache.set('c', text)
      cache.delete('c')
    }
    assert.equal(cache.get('b'), text)
  })

  it('keeps neither a value that is larger than half of the limit nor the one before it, and none at all with a limit of 0', () => {
    const cache = cacheOf(20_000)
    cache.set('a', 'old')
    cache.set('a', 'x'.repeat(10_001))
    assert.equal(cache.get('a'), undefined)
    const none = cacheOf(0)
    none.set('a', 'b')
    assert.equal(none.get('a'), undefined)
  })

  it('drops what is deleted, in both generations, and everything when it is cleared', () => {
    const cache = cacheOf(4_000)
    for (const id of ['a', 'b', 'c']) cache.set(id, text)
    assert.equal(cache.size, 3)
    // A `get` would bring it into the younger generation.
    for (const id of ['a', 'c']) {
      cache.delete(id)
      assert.equal(cache.get(id), undefined)
    }
    assert.equal(cache.size, 1)
    assert.equal(cache.get('b'), text)
    cache.clear()
    assert.equal(cache.get('b'), undefined)
    assert.equal(cache.size, 0)
  })

  it('has no older value of what is deleted right after it was set again', () => {
    const cache = new LruCache<string>(20, (value) => value.length)
    cache.set('a', 'xxxxx')
    cache.set('b', 'old')
    // Begins a new generation, while the old value is in the one before.
    cache.set('b', 'new value')
    cache.delete('b')
    assert.equal(cache.get('b'), undefined)
  })

  it('returns the latest value, in whichever generation the one before is', () => {
    const cache = cacheOf(4_000)
    for (const id of ['a', 'b', 'c']) cache.set(id, text)
    cache.set('a', 'new')
    for (const id of ['d', 'e']) cache.set(id, text)
    assert.ok([undefined, 'new'].includes(cache.get('a')))
  })
})
