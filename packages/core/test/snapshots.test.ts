import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, it, vi } from 'vitest'
import { Snapshots } from '../src/snapshots.ts'

/** Every object in it, itself included. */
function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(objectsIn)]
}

describe('Snapshots', () => {
  it('gives what JSON.parse gives, each time', () => {
    const snapshots = new Snapshots()
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (id, value) => {
        const text = JSON.stringify(value)
        for (let turn = 0; turn < 3; turn++) assert.deepEqual(snapshots.of(id, text).copy(), JSON.parse(text))
      }),
    )
  })

  it('keeps the order of names', () => {
    const snapshots = new Snapshots()
    const text = '{"z":1,"a":{"y":[{"b":2,"a":3}],"x":4},"7":5}'
    for (let turn = 0; turn < 3; turn++)
      assert.equal(JSON.stringify(snapshots.of('id', text).copy()), JSON.stringify(JSON.parse(text)))
  })

  it('takes a field named __proto__ for data', () => {
    const snapshots = new Snapshots()
    const text = '{"__proto__":{"isAdministrator":true},"inner":{"__proto__":[{"a":1}]}}'
    for (let turn = 0; turn < 3; turn++) {
      const parsed = snapshots.of('id', text).copy() as Record<string, unknown>
      assert.equal(Object.getPrototypeOf(parsed), Object.prototype)
      assert.equal(parsed['isAdministrator'], undefined)
      assert.equal(JSON.stringify(parsed), text)
    }
  })

  it('never hands out the same object twice', () => {
    const snapshots = new Snapshots()
    const text = '{"a":{"b":[{"c":[[]]}]},"d":[{}],"__proto__":{"e":{}}}'
    const given = Array.from({ length: 4 }, () => objectsIn(snapshots.of('id', text).copy())).flat()
    assert.equal(new Set(given).size, given.length)
  })

  it('is not touched by what callers do to what they were given', () => {
    const snapshots = new Snapshots()
    const text = '{"list":[1,{"deep":true}],"name":"a"}'
    for (let turn = 0; turn < 3; turn++) {
      const parsed = snapshots.of('id', text).copy() as { list: [number, { deep: boolean }, ...number[]]; name?: string }
      assert.equal(JSON.stringify(parsed), text)
      parsed.list[1].deep = false
      parsed.list.push(2)
      delete parsed.name
    }
  })

  it('goes by the text, whatever it remembers of the id', () => {
    const snapshots = new Snapshots()
    assert.deepEqual(snapshots.of('id', '{"a":1}').copy(), { a: 1 })
    assert.deepEqual(snapshots.of('id', '{"a":2}').copy(), { a: 2 })
    assert.deepEqual(snapshots.of('id', '{"a":1}').copy(), { a: 1 })
    assert.deepEqual(snapshots.of('other', '{"a":1}').copy(), { a: 1 })
  })

  it('throws what JSON.parse throws', () => {
    const snapshots = new Snapshots()
    for (let turn = 0; turn < 2; turn++) assert.throws(() => snapshots.of('id', '{"a":').copy(), SyntaxError)
  })

  it('bears depths that a copy would not', () => {
    const snapshots = new Snapshots()
    const text = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    for (let turn = 0; turn < 2; turn++) assert.ok(Array.isArray(snapshots.of('id', text).copy()))
  })

  it('is not misled by an enlarged Object.prototype', () => {
    const snapshots = new Snapshots()
    Object.defineProperty(Object.prototype, 'intruder', { value: { a: 1 }, enumerable: true, configurable: true })
    try {
      for (let turn = 0; turn < 2; turn++)
        assert.equal(Object.hasOwn(snapshots.of('id', '{"a":1}').copy() as object, 'intruder'), false)
    } finally {
      delete (Object.prototype as { intruder?: unknown }).intruder
    }
  })

  it('keeps the parsed form of what is read again, and of nothing else', () => {
    const snapshots = new Snapshots()
    const parse = vi.spyOn(JSON, 'parse')
    try {
      for (let turn = 0; turn < 5; turn++) snapshots.of('id', '{"a":1}').copy()
      assert.equal(parse.mock.calls.length, 2)
    } finally {
      parse.mockRestore()
    }
  })

  it('stays within its bounds', { timeout: 60_000 }, () => {
    const snapshots = new Snapshots()
    const before = usedBytes()
    for (let index = 0; index < 60_000; index++) {
      const snapshot = snapshots.of(`id${index}`, JSON.stringify({ index, text: 'x'.repeat(2_000) }))
      for (let turn = 0; turn < 2; turn++) snapshot.copy()
    }
    const grown = usedBytes() - before
    assert.ok(grown < 60e6, `grew by ${grown} bytes, while 120 MB went through`)
    assert.deepEqual(snapshots.of('id0', '{"a":1}').copy(), { a: 1 })
  })
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function usedBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}
