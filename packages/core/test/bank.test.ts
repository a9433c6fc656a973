import { describe, expect, it } from 'vitest'
import { BANK_METHODS, type Bank, extend, isLive, versionOf } from '../src/bank.ts'
import { ReferenceBank, threeMethods } from './helpers.ts'

describe('extend', () => {
  it('replaces the methods that are given, and keeps all other capabilities', async () => {
    const bank = new ReferenceBank()
    await bank.save('a', { payload: 'stored', expires: null })
    const extended = extend(bank, { read: async () => ({ payload: 'replaced', expires: null }) })
    expect((await extended.read('a'))?.payload).toBe('replaced')
    expect((await bank.read('a'))?.payload).toBe('stored')
    expect((await extended.readMany!(['a']))[0]?.payload).toBe('stored')
    for (const method of BANK_METHODS) expect(typeof extended[method], method).toBe(typeof (bank as Bank)[method])
    expect(await extended.count!(Date.now())).toBe(1)
  })

  it('removes a capability whose replacement is undefined, and adds one that the bank lacks', () => {
    expect(extend(new ReferenceBank(), { swap: undefined }).swap).toBeUndefined()
    const bank = extend(threeMethods(new ReferenceBank()), { count: async () => 7 })
    expect(Object.keys(bank).sort()).toEqual(['count', 'delete', 'read', 'save'])
  })

  it('adds no capability that neither has', () => {
    const bank = extend(threeMethods(new ReferenceBank()), { touch: undefined, purge: undefined })
    expect(Object.keys(bank).sort()).toEqual(['delete', 'read', 'save'])
  })
})

describe('an entry', () => {
  it('is live before its expiry, and at no later millisecond', () => {
    const entry = { payload: 'x', expires: 10 }
    expect([isLive(entry, 9), isLive(entry, 10), isLive(entry, 11)]).toEqual([true, false, false])
    expect(isLive({ ...entry, expires: null }, Number.MAX_VALUE)).toBe(true)
    expect([isLive(null, 0), isLive(undefined, 0)]).toEqual([false, false])
  })

  it('has its own version, or its payload is the version', () => {
    expect(versionOf({ payload: 'x', expires: null, version: 'v1' })).toBe('v1')
    expect(versionOf({ payload: 'x', expires: null })).toBe('x')
  })
})
