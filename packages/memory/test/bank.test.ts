import assert from 'node:assert/strict'
import { bankConformance, storeConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { MemoryBank, MemoryStore, openBank } from '../src/index.ts'

const never = (payload: string) => ({ payload, expires: null })

bankConformance(
  { describe, it },
  {
    open: async () => {
      const bank = new MemoryBank()
      return { bank, close: () => bank.close() }
    },
  },
)

describe('a bounded memory bank', () => {
  bankConformance(
    { describe, it },
    {
      open: async () => {
        const bank = new MemoryBank({ maxEntries: 1_000_000, maxBytes: 1e9 })
        return { bank, close: () => bank.close() }
      },
    },
  )

  it('drops the least recently used when there are too many', async () => {
    const bank = new MemoryBank({ maxEntries: 3 })
    for (const id of ['a', 'b', 'c']) await bank.save(id, never(id))
    await bank.read('a')
    await bank.touch('b', Date.now() + 60_000)
    await bank.save('d', never('d'))
    assert.deepEqual(await present(bank, 'abcd'), ['a', 'b', 'd'])
    await bank.swap('a', 'a', never('A'))
    await bank.readMany(['b'])
    await bank.save('e', never('e'))
    assert.deepEqual(await present(bank, 'abcde'), ['a', 'b', 'e'])
    await bank.delete('e')
    await bank.save('f', never('f'))
    assert.equal(await bank.count(Date.now()), 3)
  })

  it('drops as many as a large one needs, counting UTF-8 bytes of ids and payloads', async () => {
    const bank = new MemoryBank({ maxBytes: 100 })
    for (const id of ['a', 'b', 'c', 'd', 'e']) await bank.save(id, never('é'.repeat(9)))
    assert.deepEqual(await present(bank, 'abcde'), ['a', 'b', 'c', 'd', 'e'], '5 * 19 bytes fit')
    await bank.save('f', never('x'.repeat(40)))
    assert.deepEqual(await present(bank, 'abcdef'), ['c', 'd', 'e', 'f'], '3 * 19 + 41 fit, not 4')
  })

  it('counts what a smaller payload gives back', async () => {
    const bank = new MemoryBank({ maxBytes: 100 })
    await bank.save('a', never('x'.repeat(98)))
    await bank.save('a', never('x'))
    await bank.save('b', never('x'.repeat(97)))
    assert.deepEqual(await present(bank, 'ab'), ['a', 'b'])
  })

  it('refuses what alone is too large, and keeps what was there', async () => {
    const bank = new MemoryBank({ maxBytes: 100 })
    await bank.save('a', never('small'))
    const large = never('x'.repeat(100))
    await assert.rejects(bank.save('a', large), { code: 'DATABANK_INVALID_SESSION' })
    await assert.rejects(bank.swap('a', 'small', large), { code: 'DATABANK_INVALID_SESSION' })
    assert.equal((await bank.read('a'))?.payload, 'small')
  })
})

describe('a memory store', () => {
  storeConformance(
    { describe, it },
    {
      open: async () => {
        const store = new MemoryStore()
        return { store, close: () => store.close() }
      },
    },
  )

  it('has a place of its own, each', async () => {
    const [one, other] = [new MemoryBank(), new MemoryBank()]
    await one.save('a', never('x'))
    assert.equal(await other.read('a'), null)
  })
})

describe('a memory URL', () => {
  it('takes the bounds as query parameters; options win', async () => {
    const bank = openBank('memory:?maxEntries=2&maxBytes=1000')
    for (const id of ['a', 'b', 'c']) await bank.save(id, never(id))
    assert.equal(await bank.count?.(Date.now()), 2)
    const wider = openBank('memory:?maxEntries=2', { maxEntries: 3 })
    for (const id of ['a', 'b', 'c']) await wider.save(id, never(id))
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

async function present(bank: MemoryBank, ids: string): Promise<string[]> {
  // Scanning is no use: it leaves the order alone.
  const found: string[] = []
  for await (const [id] of bank.scan()) found.push(id)
  return [...ids].filter((id) => found.includes(id))
}
