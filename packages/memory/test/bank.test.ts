import assert from 'node:assert/strict'
import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { MemoryBank, MemoryStore, openBank } from '../src/index.ts'

bankConformance(
  { describe, it },
  {
    open: async () => {
      const bank = new MemoryBank()
      return { bank, close: () => bank.close() }
    },
  },
)

describe('with limits', () => {
  bankConformance(
    { describe, it },
    {
      open: async () => {
        const bank = new MemoryBank({ maxEntries: 1_000_000, maxBytes: 1e9 })
        return { bank, close: () => bank.close() }
      },
    },
  )
})

storeConformance(
  { describe, it },
  {
    open: async () => {
      const store = new MemoryStore()
      return { store, close: () => store.close() }
    },
  },
)

const entry = (payload: string) => ({ payload, expires: null })

describe('a memory bank', () => {
  it('shares nothing with another one', async () => {
    const [one, other] = [new MemoryBank(), new MemoryBank()]
    await one.save('a', entry('x'))
    assert.equal(await other.read('a'), null)
  })

  it('does not give out a reference to what is stored', async () => {
    const bank = new MemoryBank()
    const given = { payload: 'x', expires: 1, owner: 'o' }
    await bank.save('a', given)
    given.payload = 'changed'
    const stored = (await bank.read('a')) as { payload: string }
    stored.payload = 'changed'
    assert.deepEqual(await bank.read('a'), { payload: 'x', expires: 1, owner: 'o' })
  })
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
