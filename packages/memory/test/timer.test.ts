import assert from 'node:assert/strict'
import { describe, it, vi } from 'vitest'
import { MemoryBank } from '../src/index.ts'

const payload = '{"cookie":{}}'

describe('the timer of a memory bank', () => {
  it('does not hold the process', async () => {
    const holding = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const before = holding()
    const idle = new MemoryBank()
    await idle.save('a', { payload, expires: Date.now() + 3_600_000 })
    assert.equal(holding(), before)
    await idle.close()
  })

  it('runs only while there is something to free', async () => {
    vi.useFakeTimers()
    try {
      const bank = new MemoryBank()
      assert.equal(vi.getTimerCount(), 0, 'none before there is something to free')
      await bank.save('a', { payload, expires: null })
      assert.equal(vi.getTimerCount(), 0, 'none for what never dies')
      await bank.save('a', { payload, expires: Date.now() + 1_000 })
      assert.equal(vi.getTimerCount(), 1)
      await vi.advanceTimersByTimeAsync(20_000)
      assert.equal(await bank.read('a'), null)
      assert.equal(vi.getTimerCount(), 0, 'none when all are freed')
      await bank.save('a', { payload, expires: Date.now() + 1_000 })
      await bank.close()
      assert.equal(vi.getTimerCount(), 0, 'none after close')
    } finally {
      vi.useRealTimers()
    }
  })
})
