import assert from 'node:assert/strict'
import { bankConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { MemoryBank } from '../src/bank.ts'

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
