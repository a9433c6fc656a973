import assert from 'node:assert/strict'
import { type OpenedStore, storeConformance } from '@connect-databank/conformance'
import { DatabankStore } from 'connect-databank'
import { describe, it } from 'vitest'
import { MemoryBank, openBank } from '../src/index.ts'

storeConformance(
  { describe, it },
  {
    open: async () => {
      const bank = new MemoryBank()
      const another = async () => new DatabankStore({ bank })
      const configured: OpenedStore['configured'] = async (settings, layer) =>
        new DatabankStore({ ...settings, bank: layer(bank) })
      return { store: await another(), another, configured, close: () => bank.close() }
    },
    rounding: 0,
  },
)

const entry = (payload: string) => ({ payload, expires: null })

it('tells core to keep parsed sessions', () => {
  assert.equal(openBank('memory:').isLocal, true)
})

describe('a memory URL', () => {
  it('takes the limits as query parameters; options win', async () => {
    const bank = openBank('memory:?maxEntries=2&maxBytes=1000')
    for (const id of ['a', 'b', 'c']) await bank.save(id, entry(id))
    assert.equal(await bank.count?.(Date.now()), 2)
    const wider = openBank('memory:?maxEntries=2', { maxEntries: 3 })
    for (const id of ['a', 'b', 'c']) await wider.save(id, entry(id))
    assert.equal(await wider.count?.(Date.now()), 3)
    openBank('memory:')
    openBank('memory://')
  })

  for (const url of ['memory:sessions', 'memory://host', 'memory:?maxEntries=no', 'memory:?maxEntries=', 'memory:?size=3']) {
    it(`refuses ${url}`, () => {
      assert.throws(() => openBank(url), { code: 'DATABANK_INVALID_OPTION' })
    })
  }
})
