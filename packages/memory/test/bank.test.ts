import assert from 'node:assert/strict'
import { bankConformance } from '@connect-databank/conformance'
import { describe, it, vi } from 'vitest'
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
  it('has done its work when it is called, and answers in the next turn of the event loop', async () => {
    const bank = new MemoryBank()
    let turns = 0
    const count = () => {
      turns++
      immediate = setImmediate(count)
    }
    let immediate = setImmediate(count)
    const found = [bank.save('a', entry('1')), bank.read('a'), bank.touch('a', 1, 0), bank.delete('a'), bank.read('a')]
    assert.deepEqual((await Promise.all(found)).slice(-2), [true, null])
    assert.equal(turns, 1)
    await bank.read('a')
    assert.equal(turns, 2)
    clearImmediate(immediate)
  })

  it('answers while a test has replaced all timers', async () => {
    const bank = new MemoryBank()
    vi.useFakeTimers({ toFake: ['setImmediate', 'setTimeout', 'setInterval'] })
    try {
      await bank.save('a', entry('1'))
      assert.equal((await bank.read('a'))?.payload, '1')
    } finally {
      vi.useRealTimers()
    }
  })

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
