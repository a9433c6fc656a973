import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { createStamps } from '../src/stamp.ts'

describe('stamps', () => {
  it('are remembered of each object, and can be set anew', () => {
    const stamps = createStamps<string>()
    const [one, other] = [{}, []]
    assert.equal(stamps.get(one), undefined)
    stamps.set(one, 'a')
    stamps.set(other, 'b')
    stamps.set(one, 'c')
    assert.deepEqual([stamps.get(one), stamps.get(other), stamps.get({})], ['c', 'b', undefined])
  })

  it('never meet those of others', () => {
    const [mine, yours] = [createStamps<string>(), createStamps<string>()]
    const object = {}
    mine.set(object, 'mine')
    assert.equal(yours.get(object), undefined)
    yours.set(object, 'yours')
    assert.deepEqual([mine.get(object), yours.get(object)], ['mine', 'yours'])
  })

  it('are seen by nobody', () => {
    const stamps = createStamps<string>()
    const object = { a: 1 }
    stamps.set(object, 'secret')
    assert.deepEqual(Reflect.ownKeys(object), ['a'])
    assert.deepEqual(object, { a: 1 })
    assert.equal(JSON.stringify(object), '{"a":1}')
    assert.equal(stamps.get({ ...object }), undefined)
    assert.equal(stamps.get(structuredClone(object)), undefined)
    assert.equal(stamps.get(Object.create(object)), undefined)
  })

  it('hold on frozen objects, and on those that are frozen later', () => {
    const stamps = createStamps<string>()
    const frozen = Object.freeze({})
    stamps.set(frozen, 'a')
    stamps.set(frozen, 'b')
    assert.equal(stamps.get(frozen), 'b')
    const later = {}
    stamps.set(later, 'a')
    Object.freeze(later)
    stamps.set(later, 'b')
    assert.equal(stamps.get(later), 'b')
  })
})
