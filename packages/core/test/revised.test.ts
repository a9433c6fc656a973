import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, it, vi } from 'vitest'
import { isSameData } from '../src/merge.ts'
import { placesOf } from '../src/places.ts'
import { Snapshot } from '../src/snapshot.ts'

/** The snapshot of this text, whose parsed form is known if it was read before, and a copy of it that may be changed. */
function loaded(text: string, isReadBefore = true) {
  const snapshot = new Snapshot(text)
  if (isReadBefore) snapshot.copy()
  return { snapshot, session: snapshot.copy() as Record<string, unknown> }
}

/** A session whose every member may be replaced by anything. */
// biome-ignore lint/suspicious/noExplicitAny: that is what the tests do with it.
type Sample = Record<string, any>

/**
 * What `revised` writes is what `JSON.stringify` does, and what it knows of that is what `JSON.parse` says. Without a parsed form to go
 * by, which is kept of what holds objects, another order of the members is a change as well.
 */
function assertWritten(snapshot: Snapshot, session: object, isReadBefore: boolean): Snapshot {
  const { record: revised, isChanged } = snapshot.revised(session)
  assert.equal(revised.text, JSON.stringify(session))
  assert.deepEqual(revised.copy(), JSON.parse(revised.text))
  assert.deepEqual(
    revised.json(),
    new Map(Object.entries(JSON.parse(revised.text)).map(([name, value]) => [name, JSON.stringify(value)])),
  )
  const hasForm = isReadBefore && holdsObjects(JSON.parse(snapshot.text))
  const isOther = hasForm ? !isSameData(snapshot, revised) : dataOf(revised) !== dataOf(snapshot)
  if (isChanged !== undefined) assert.equal(isChanged, isOther)
  return revised
}

function holdsObjects(session: object): boolean {
  return Object.values(session).some((member) => typeof member === 'object' && member !== null)
}

/** All but the cookie, as it stands there. */
function dataOf({ text }: Snapshot): string {
  return JSON.stringify(Object.entries(JSON.parse(text)).filter(([name]) => name !== 'cookie'))
}

const names = fc
  .oneof(fc.constantFrom('a', 'b', '7', 'cookie', '"', '\\', '\\"', 'é', ''), fc.string({ maxLength: 3 }))
  .filter((name) => name !== '__proto__')
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(null, true, 0, -0, 1.5, '', 'a"b\\', '\ud800', undefined, Number.NaN, new Date(0)),
    fc.string({ maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))
const record = fc.dictionary(names, value, { maxKeys: 5, noNullPrototype: true })

describe('revised', () => {
  it('writes what JSON.stringify does, whatever was changed', () => {
    const heads = fc.constantFrom({}, { cookie: { path: '/' } })
    fc.assert(
      fc.property(
        fc.tuple(heads, record).map(([head, rest]) => ({ ...head, ...rest })),
        fc.array(fc.tuple(names, value), { maxLength: 3 }),
        fc.array(names, { maxLength: 2 }),
        fc.boolean(),
        (data, changes, removed, isReadBefore) => {
          let { snapshot, session } = loaded(JSON.stringify(data), isReadBefore)
          for (let turn = 0; turn < 2; turn++) {
            for (const name of removed) delete session[name]
            for (const [name, changed] of changes) session[name] = changed
            snapshot = assertWritten(snapshot, session, isReadBefore || turn > 0)
            session = snapshot.copy() as Record<string, unknown>
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it.each([
    ['a value deep inside', (session: Sample) => (session.rows[1].n = 3)],
    ['an item more', (session: Sample) => session.rows.push({ n: 3 })],
    ['an item less', (session: Sample) => session.list.pop()],
    ['a name more', (session: Sample) => (session.deep.inner.more = 1)],
    ['a name less', (session: Sample) => delete session.rows[0].n],
    ['another order of names', (session: Sample) => (session.flat = { b: 2, a: 1 })],
    [
      'another order of names around objects',
      (session: Sample) => (session.deep = { z: session.deep.z, inner: session.deep.inner }),
    ],
    ['undefined in place of a value', (session: Sample) => (session.flat.a = undefined)],
    ['a hole', (session: Sample) => delete session.list[0]],
    ['a number that JSON has no word for', (session: Sample) => (session.flat.a = Number.POSITIVE_INFINITY)],
    ['an object that writes itself', (session: Sample) => (session.deep.inner.toJSON = () => 'itself')],
    ['an object of a class that writes itself', (session: Sample) => (session.flat = new Map([['a', 1]]))],
    [
      'an array that writes itself',
      (session: Sample) => Object.setPrototypeOf(session.list, { __proto__: Array.prototype, toJSON: () => 1 }),
    ],
    ['a boxed value', (session: Sample) => (session.flat.a = Object(1))],
    ['a session that writes itself', (session: Sample) => (session.toJSON = () => ({ other: true }))],
    ['a function in place of an object', (session: Sample) => (session.deep = () => 1)],
    ['a member that is told its name', (session: Sample) => (session.flat = { toJSON: (name: string) => name })],
  ])('sees %s', (_, change) => {
    const text = '"rows":[{"n":1},{"n":2}],"list":[1,[2],3],"flat":{"a":1,"b":2},"deep":{"inner":{"x":1},"z":[]}}'
    for (const head of ['{', '{"cookie":{"path":"/"},']) {
      for (const isReadBefore of [false, true]) {
        const { snapshot, session } = loaded(head + text, isReadBefore)
        change(session)
        assertWritten(snapshot, session, isReadBefore)
      }
    }
  })

  it('leaves alone how others wrote what nobody has changed', () => {
    const { snapshot, session } = loaded('{ "a" : 1.0 , "big":12345678901234567890,"\\u0062":[ 1, {"c" : "\\u00e9"} ] , "n":0}')
    session['n'] = 1
    assert.equal(
      snapshot.revised(session).record.text,
      '{ "a" : 1.0 , "big":12345678901234567890,"\\u0062":[ 1, {"c" : "\\u00e9"} ] , "n":1}',
    )
  })

  it.each([
    ['a number', '"a":1.0'],
    ['a large number', '"a":12345678901234567890'],
    ['an escape', '"a":"\\u00e9"'],
    ['a name', '"\\u0061":1'],
    ['a space', '"a": 1'],
    ['the place of a name', '"a":1,"7":2'],
  ])('leaves alone how others wrote %s, and takes a new cookie for no change', (_, member) => {
    const { snapshot, session } = loaded(`{"cookie":{"path":"/"},${member},"n":0}`)
    session['cookie'] = { path: '/', originalMaxAge: 1 }
    const { isChanged } = snapshot.revised(session)
    assert.equal(isChanged, false)
    session['n'] = 1
    const { record } = snapshot.revised(session)
    const untouched = snapshot.json()
    for (const [name, json] of record.json()) if (name !== 'cookie' && name !== 'n') assert.equal(json, untouched.get(name))
  })

  it.each([false, true])('tells a change from a new cookie (of a session that was read before: %s)', (isReadBefore) => {
    const { snapshot, session } = loaded('{"cookie":{"path":"/"},"a":[1],"n":0}', isReadBefore)
    for (const path of ['/a', '/"}', '/a/longer/one']) {
      session['cookie'] = { path }
      assert.equal(snapshot.revised(session).isChanged, false)
    }
    for (const n of [1, 10]) {
      session['n'] = n
      assert.equal(snapshot.revised(session).isChanged, true)
    }
  })

  it.each([false, true])('writes the cookie that it is given (of a session that was read before: %s)', (isReadBefore) => {
    const { snapshot, session } = loaded('{"cookie":{"path":"/"},"n":0}', isReadBefore)
    session['n'] = 1
    assert.equal(snapshot.revised(session, { path: '/given' }).record.text, '{"cookie":{"path":"/given"},"n":1}')
  })

  it('takes what is read after a save for read again', () => {
    const { snapshot, session } = loaded('{"cookie":{},"n":0}', false)
    const { record } = snapshot.revised(session)
    const parse = vi.spyOn(JSON, 'parse')
    try {
      for (let turn = 0; turn < 3; turn++) record.copy()
      assert.equal(parse.mock.calls.length, 1)
    } finally {
      parse.mockRestore()
    }
  })

  it('takes the last of two members of one name, as JSON.parse does', () => {
    const { snapshot, session } = loaded('{"a":1,"a":[2]}')
    assert.equal(snapshot.revised(session).record.text, '{"a":[2]}')
  })

  it('keeps no old text alive for a part of it', () => {
    // A slice of a text keeps all of it: so each of a thousand revisions would keep the one before.
    let { snapshot, session } = loaded(JSON.stringify({ n: 0, ballast: 'x'.repeat(100_000) }))
    const before = usedBytes()
    for (let n = 1; n <= 1_000; n++) {
      session['n'] = n
      snapshot = snapshot.revised(session).record
      session = snapshot.copy() as Record<string, unknown>
    }
    const grown = usedBytes() - before
    assert.ok(grown < 50e6, `1,000 revisions of 100 kB kept ${grown} bytes`)
  })
})

describe('placesOf', () => {
  it('finds what JSON.parse finds', () => {
    fc.assert(
      fc.property(record, fc.constantFrom(undefined, 1, '\t', '\r\n '), (data, space) => {
        const text = JSON.stringify(data, null, space)
        const { names, bounds } = placesOf(text)
        const found = names.map((name, place) => {
          assert.ok(text.startsWith(JSON.stringify(name), bounds[3 * place]))
          return [name, JSON.parse(text.slice(bounds[3 * place + 1], bounds[3 * place + 2]))]
        })
        assert.deepEqual(Object.fromEntries(found), JSON.parse(text))
      }),
    )
  })
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function usedBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}
