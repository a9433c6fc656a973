import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { newEntry, TransientMap } from 'connect-databank'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { bundle } from '../../../testing/bundle.js'

describe('what short-lived objects leave to the collector', () => {
  let programs: Awaited<ReturnType<typeof bundle>>

  beforeAll(async () => {
    programs = await bundle({ garbage: join(import.meta.dirname, 'garbage-program.ts') })
  })

  afterAll(() => programs.remove())

  function run(what: 'keys' | 'entries', ...flags: string[]): unknown {
    return JSON.parse(execFileSync(process.execPath, [...flags, join(programs.folder, 'garbage.js'), what], { encoding: 'utf8' }))
  }

  it('a TransientMap holds nothing of what was deleted', () => {
    const grown = run('keys') as number
    // Of 800 MB that came and went. A Map: 90 to 300 MB.
    assert.ok(grown < 50e6, `${grown} bytes were made old`)
  })

  it('newEntry makes young objects, however long the first ones lived', () => {
    assert.equal(run('entries', '--max-semi-space-size=1', '--allow-natives-syntax'), true)
  })
})

describe('newEntry', () => {
  it('makes what a literal would', () => {
    const entry = newEntry('text', 5)
    assert.deepEqual(entry, { payload: 'text', expires: 5 })
    assert.equal(entry.constructor, Object)
    assert.equal(JSON.stringify(entry), '{"payload":"text","expires":5}')
  })
})

describe('TransientMap', () => {
  it('is a map, also after thousands have come and gone', () => {
    const map = new TransientMap<number, string>()
    map.set(-1, 'stays')
    for (let key = 0; key < 5_000; key++) {
      map.set(key, `value ${key}`)
      assert.equal(map.get(key), `value ${key}`)
      assert.equal(map.get(-1), 'stays')
      if (key >= 10) assert.equal(map.delete(key - 10), true)
    }
    assert.equal(map.size, 11)
    assert.equal(map.delete(0), false)
    assert.deepEqual([...map.values()], ['stays', ...Array.from({ length: 10 }, (_, nth) => `value ${4_990 + nth}`)])
    map.clear()
    assert.equal(map.size, 0)
    assert.equal(map.get(-1), undefined)
  })
})
