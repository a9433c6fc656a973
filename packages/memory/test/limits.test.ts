import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { MemoryBank } from '../src/bank.ts'

const entry = (payload: string, owner?: string) => ({ payload, expires: null, ...(owner !== undefined && { owner }) })

describe('a memory bank with limits', () => {
  it('removes the least recently used session when there are too many', async () => {
    const bank = new MemoryBank({ maxEntries: 3 })
    for (const id of ['a', 'b', 'c']) await bank.save(id, entry(id))
    await bank.read('a')
    await bank.touch('b', Date.now() + 60_000, Date.now())
    await bank.save('d', entry('d'))
    assert.deepEqual(await idsIn(bank), ['a', 'b', 'd'])
    await bank.swap('a', 'a', entry('A'), Date.now())
    await bank.readMany(['b'])
    await bank.save('e', entry('e'))
    assert.deepEqual(await idsIn(bank), ['a', 'b', 'e'])
    await bank.delete('e')
    await bank.save('f', entry('f'))
    assert.equal(await bank.count(Date.now()), 3)
    await bank.clear()
    for (const id of ['a', 'b', 'c', 'd']) await bank.save(id, entry(id))
    assert.deepEqual(await idsIn(bank), ['b', 'c', 'd'])
  })

  it('removes as many as a large one needs, by the bytes of ids, payloads and owners in UTF-8', async () => {
    const bank = new MemoryBank({ maxBytes: 100 })
    for (const id of ['a', 'b', 'c', 'd', 'e']) await bank.save(id, entry('é'.repeat(8), 'ü'))
    assert.deepEqual(await idsIn(bank), ['a', 'b', 'c', 'd', 'e'], '5 * 19 bytes fit')
    await bank.save('f', entry('x'.repeat(40)))
    assert.deepEqual(await idsIn(bank), ['c', 'd', 'e', 'f'], '3 * 19 + 41 fit, 4 * 19 + 41 do not')
  })

  it('counts what a smaller payload and a deletion give back', async () => {
    const bank = new MemoryBank({ maxBytes: 100 })
    await bank.save('a', entry('x'.repeat(98)))
    await bank.save('a', entry('x'))
    await bank.save('b', entry('x'.repeat(97)))
    assert.deepEqual(await idsIn(bank), ['a', 'b'])
    await bank.delete('b')
    await bank.save('c', entry('x'.repeat(97)))
    assert.deepEqual(await idsIn(bank), ['a', 'c'])
  })

  it('refuses a session that alone is too large, and keeps what was stored', async () => {
    const bank = new MemoryBank({ maxBytes: 100 })
    await bank.save('a', entry('small'))
    const large = entry('x'.repeat(100))
    await assert.rejects(bank.save('a', large), { code: 'DATABANK_INVALID_SESSION' })
    await assert.rejects(bank.swap('a', 'small', large, Date.now()), { code: 'DATABANK_INVALID_SESSION' })
    assert.equal((await bank.read('a'))?.payload, 'small')
  })
})

/** Scanning does not change the order of use. */
async function idsIn(bank: MemoryBank): Promise<string[]> {
  const ids: string[] = []
  for await (const [id] of bank.scan()) ids.push(id)
  return ids.sort()
}
