import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Operation } from '../src/histories/history.ts'
import { violationIn } from '../src/histories/rules.ts'

/** When a session expires that is stored for an hour. */
const late = Date.now() + 3_600_000
const LONG = 3_600_000

/** What is wrong with these operations, one after the other unless they say something else. */
function violation(...operations: readonly Partial<Operation>[]): string | undefined {
  const oneByOne = operations.map((operation, at) => {
    const times = { begin: 2 * at, end: 2 * at + 1, beganAt: Date.now(), endedAt: Date.now() }
    const usual = { request: 0, store: 0, sid: 'sid', outcome: 'done', callbacks: 1, values: {}, expires: late }
    return { ...usual, ...times, ...operation } as Operation
  })
  return violationIn(oneByOne, [], { mayFail: true, mayHappenLate: false, clocks: 2, rounding: 0 })?.words
}

const create = { kind: 'create', values: { age: LONG } } as const
const found = (expires: number, values = {}) => ({ kind: 'get', found: { values: { age: LONG, ...values }, expires } }) as const

describe('a missing session', () => {
  const missing = { kind: 'get', found: null } as const
  const failed = { outcome: 'failed', error: new Error('may have happened') } as const

  it('may have been created by an attempt that failed, and destroyed before it was created again', () => {
    const again = { kind: 'create again' } as const
    assert.equal(violation({ ...create, ...failed }, { kind: 'destroy' }, again, missing), undefined)
    assert.match(violation({ ...create, ...failed }, again, missing) ?? '', /is missing that was stored/)
    assert.match(violation({ kind: 'destroy' }, create, missing) ?? '', /is missing that was stored/)
  })
})

describe('the expiry of a session', () => {
  const theirs = { kind: 'update', request: 1, values: { a: 1 }, changesAge: true } as const

  it('is sooner after a write whose request changed the age of its cookie', () => {
    const sooner = { kind: 'update', expires: late - 5_000, changesAge: true } as const
    assert.equal(violation(create, sooner, found(late - 5_000)), undefined)
    assert.match(violation(create, sooner, found(late)) ?? '', /the expiry was replaced since/)
  })

  it('is not sooner after an update whose request did not change the age of its cookie', () => {
    const long = { ...theirs, expires: late + 5_000 }
    const ours = { kind: 'update', values: { b: 2 }, expires: late + 1, changesAge: false } as const
    assert.equal(violation(create, long, ours, found(late + 5_000, { a: 1, b: 2 })), undefined)
    const shortened = found(late + 1, { a: 1, b: 2 })
    assert.match(violation(create, long, ours, shortened) ?? '', /shortened by a request that did not change the age/)
    assert.equal(violation(create, long, { ...ours, changesAge: true }, shortened), undefined)
    // Whether another write of the same request was stored is not known.
    assert.equal(violation(create, long, { ...ours, changesAge: undefined }, shortened), undefined)
    // It may have begun before theirs was stored.
    assert.equal(violation(create, { ...long, begin: 2, end: 5 }, { ...ours, begin: 3, end: 4 }, shortened), undefined)
  })

  it('is later after a write that extends it, whether or not its request changed the age', () => {
    const extending = { kind: 'touch', expires: late + 5_000, changesAge: false } as const
    assert.equal(violation(create, extending, found(late + 5_000)), undefined)
    assert.match(violation(create, extending, found(late)) ?? '', /the expiry was replaced since/)
  })

  it('may be one that an update read before it was replaced', () => {
    const update = {
      kind: 'update',
      request: 1,
      values: { a: 1 },
      expires: late - 1,
      changesAge: false,
      begin: 2,
      end: 7,
    } as const
    const sooner = { kind: 'touch', expires: late - 5_000, changesAge: true, begin: 3, end: 4 } as const
    assert.equal(violation(create, update, sooner, { ...found(late, { a: 1 }), begin: 8, end: 9 }), undefined)
  })
})

describe('a changed cookie', () => {
  const changed = { kind: 'touch', values: { age: LONG + 1_000 }, changesAge: true } as const

  it('is stored by a touch', () => {
    assert.match(violation(create, changed, found(late)) ?? '', /the age of the cookie is .* a change is lost/)
    assert.equal(violation(create, changed, found(late, { age: LONG + 1_000 })), undefined)
  })

  it('is not taken back by the update of a request that did not change its own', () => {
    const update = { kind: 'update', values: { a: 1 }, changesAge: false } as const
    assert.match(violation(create, changed, update, found(late, { a: 1 })) ?? '', /a change is lost/)
  })
})

describe('the sessions of an owner', () => {
  const login = { kind: 'update', values: { owner: 'ada' }, changesAge: false } as const
  const move = { ...login, values: { owner: 'bob' } } as const
  const list = (...sids: string[]) => {
    const listed = new Map(sids.map((sid) => [sid, found(late, { owner: 'ada' }).found]))
    return { kind: 'list sessions', sid: '', owner: 'ada', listed } as const
  }
  const end = { kind: 'end sessions', sid: '', owner: 'ada' } as const

  it('are listed from the end of the update that made them theirs', () => {
    assert.match(violation(create, login, list()) ?? '', /is not listed under its owner/)
    assert.equal(violation(create, login, list('sid')), undefined)
    assert.equal(violation(create, { ...login, end: 5 }, { ...list(), begin: 4, end: 6 }), undefined)
    assert.match(violation(create, login, move, list('sid')) ?? '', /the owner is ada, although it was overwritten/)
    assert.equal(violation(create, login, move, list()), undefined)
  })

  it('are not listed under another owner', () => {
    const listed = new Map([['sid', found(late).found]])
    assert.match(violation(create, login, { ...list(), listed }) ?? '', /is listed under another owner/)
  })

  it('are ended, all but one', () => {
    const back = found(late, { owner: 'ada' })
    assert.match(violation(create, login, end, back) ?? '', /was ended with all sessions of its owner/)
    assert.equal(violation(create, login, { ...end, except: 'sid' }, back), undefined)
    assert.equal(violation(create, login, end, { kind: 'get', found: null }), undefined)
    const kept = violation(create, login, { ...end, except: 'sid' }, { kind: 'get', found: null })
    assert.match(kept ?? '', /is missing that was stored/)
  })

  it('that moved to another owner meanwhile may be ended or not', () => {
    const moving = { ...move, begin: 4, end: 7 } as const
    const ending = { ...end, begin: 5, end: 6 } as const
    assert.equal(violation(create, login, moving, ending, { ...found(late, { owner: 'bob' }), begin: 8, end: 9 }), undefined)
    assert.equal(violation(create, login, moving, ending, { kind: 'get', found: null, begin: 8, end: 9 }), undefined)
  })
})
