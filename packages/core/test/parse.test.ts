import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { ParsedForms } from '../src/parse.ts'

/** Every object in it, itself included. */
function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(objectsIn)]
}

describe('ParsedForms', () => {
  it('gives what JSON.parse gives, each time', () => {
    const forms = new ParsedForms()
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (id, value) => {
        const text = JSON.stringify(value)
        for (let turn = 0; turn < 3; turn++) assert.deepEqual(forms.parse(id, text), JSON.parse(text))
      }),
    )
  })

  it('keeps the order of names', () => {
    const forms = new ParsedForms()
    const text = '{"z":1,"a":{"y":[{"b":2,"a":3}],"x":4},"7":5}'
    for (let turn = 0; turn < 3; turn++) assert.equal(JSON.stringify(forms.parse('id', text)), JSON.stringify(JSON.parse(text)))
  })

  it('takes a field named __proto__ for data', () => {
    const forms = new ParsedForms()
    const text = '{"__proto__":{"isAdministrator":true},"inner":{"__proto__":[{"a":1}]}}'
    for (let turn = 0; turn < 3; turn++) {
      const parsed = forms.parse('id', text) as Record<string, unknown>
      assert.equal(Object.getPrototypeOf(parsed), Object.prototype)
      assert.equal(parsed['isAdministrator'], undefined)
      assert.equal(JSON.stringify(parsed), text)
    }
  })

  it('never hands out the same object twice', () => {
    const forms = new ParsedForms()
    const text = '{"a":{"b":[{"c":[[]]}]},"d":[{}],"__proto__":{"e":{}}}'
    const given = Array.from({ length: 4 }, () => objectsIn(forms.parse('id', text))).flat()
    assert.equal(new Set(given).size, given.length)
  })

  it('is not touched by what callers do to what they were given', () => {
    const forms = new ParsedForms()
    const text = '{"list":[1,{"deep":true}],"name":"a"}'
    for (let turn = 0; turn < 3; turn++) {
      const parsed = forms.parse('id', text) as { list: [number, { deep: boolean }, ...number[]]; name?: string }
      assert.equal(JSON.stringify(parsed), text)
      parsed.list[1].deep = false
      parsed.list.push(2)
      delete parsed.name
    }
  })

  it('goes by the text, whatever it remembers of the id', () => {
    const forms = new ParsedForms()
    assert.deepEqual(forms.parse('id', '{"a":1}'), { a: 1 })
    assert.deepEqual(forms.parse('id', '{"a":2}'), { a: 2 })
    assert.deepEqual(forms.parse('id', '{"a":1}'), { a: 1 })
    assert.deepEqual(forms.parse('other', '{"a":1}'), { a: 1 })
  })

  it('throws what JSON.parse throws', () => {
    const forms = new ParsedForms()
    for (let turn = 0; turn < 2; turn++) assert.throws(() => forms.parse('id', '{"a":'), SyntaxError)
  })

  it('bears depths that a copy would not', () => {
    const forms = new ParsedForms()
    const text = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    for (let turn = 0; turn < 2; turn++) assert.ok(Array.isArray(forms.parse('id', text)))
  })

  it('is not misled by an enlarged Object.prototype', () => {
    const forms = new ParsedForms()
    Object.defineProperty(Object.prototype, 'intruder', { value: { a: 1 }, enumerable: true, configurable: true })
    try {
      for (let turn = 0; turn < 2; turn++) assert.equal(Object.hasOwn(forms.parse('id', '{"a":1}') as object, 'intruder'), false)
    } finally {
      delete (Object.prototype as { intruder?: unknown }).intruder
    }
  })

  it('stays within its bounds', { timeout: 60_000 }, () => {
    const forms = new ParsedForms()
    const before = usedBytes()
    for (let index = 0; index < 60_000; index++) forms.parse(`id${index}`, JSON.stringify({ index, text: 'x'.repeat(2_000) }))
    const grown = usedBytes() - before
    assert.ok(grown < 60e6, `grew by ${grown} bytes, while 120 MB went through`)
    assert.deepEqual(forms.parse('id0', '{"a":1}'), { a: 1 })
  })
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function usedBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}
