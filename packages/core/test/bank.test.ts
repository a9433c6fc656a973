import { describe, expect, it } from 'vitest'
import { BANK_METHODS, type Bank, extend } from '../src/bank.ts'
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

  it('keeps whether the bank is local, unless that is replaced', () => {
    const local = extend(new ReferenceBank(), { isLocal: true })
    expect(local.isLocal).toBe(true)
    expect(extend(local, {}).isLocal).toBe(true)
    expect(extend(local, { isLocal: false }).isLocal).toBe(false)
    expect(extend(new ReferenceBank(), {}).isLocal).toBeUndefined()
  })

  it('adds no capability that neither has', () => {
    const bank = extend(threeMethods(new ReferenceBank()), { touch: undefined, purge: undefined })
    expect(Object.keys(bank).sort()).toEqual(['delete', 'read', 'save'])
  })
})
