import assert from 'node:assert/strict'
import { describe, it, vi } from 'vitest'
import { longestDelay } from '../../../testing/event-loop-delay.js'
import { MemoryBank } from '../src/bank.ts'

const MILLION = 1_000_000
/** The longest time that the event loop may be blocked, in milliseconds. */
const LIMIT = 16
const payload = JSON.stringify({ cookie: { originalMaxAge: 1000 }, user: 'x'.repeat(40) })

/** In parts, as requests would: only what the bank does in one call counts. */
async function fill(
  bank: MemoryBank,
  expires: number | null,
  ownerOf: (index: number) => string | null = () => null,
): Promise<void> {
  for (let index = 0; index < MILLION; index++) {
    bank.save(`session-${index}`, { payload, expires, owner: ownerOf(index) })
    if (index % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a million sessions in memory', { timeout: 120_000 }, () => {
  it('are saved, counted, scanned, purged and cleared without blocking the event loop', async () => {
    const bank = new MemoryBank()
    const now = Date.now()
    const later = now + 120_000
    const delays = {
      save: await longestDelay(1, () => fill(bank, now + 60_000)),
      count: await longestDelay(3, async () => assert.equal(await bank.count(now), MILLION)),
      'count when all have expired': await longestDelay(3, async () => assert.equal(await bank.count(later), 0)),
      scan: await longestDelay(3, async () => {
        let seen = 0
        for await (const _ of bank.scan()) seen++
        assert.equal(seen, MILLION)
      }),
      purge: await longestDelay(1, async () => assert.equal(await bank.purge(later), MILLION)),
      'save with one owner for all': await longestDelay(1, () => fill(bank, now + 60_000, () => 'one')),
      'ids of an owner': await longestDelay(3, async () => {
        let seen = 0
        for await (const _ of bank.idsOf('one')) seen++
        assert.equal(seen, MILLION)
      }),
      'save with an owner each': await longestDelay(1, () => fill(bank, now + 60_000, (index) => `owner-${index}`)),
      clear: await longestDelay(1, () => bank.clear()),
    }
    for (const [what, delay] of Object.entries(delays)) assert.ok(delay < LIMIT, `${what} blocked the event loop for ${delay} ms`)
    await bank.close()
  })

  it('are counted without a look at those that have not expired', async () => {
    const bank = new MemoryBank()
    const now = Date.now()
    await fill(bank, now + 86_400_000)
    const times: number[] = []
    for (let attempt = 0; attempt < 5; attempt++) {
      const began = performance.now()
      await bank.count(now)
      times.push(performance.now() - began)
    }
    assert.ok(Math.min(...times) < 2, `a count took ${Math.min(...times)} ms`)
    await bank.close()
  })

  it('are freed by the bank itself, in slices, when they have expired', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    try {
      const bank = new MemoryBank()
      await fill(bank, Date.now() + 60_000)
      await bank.save('live', { payload, expires: Date.now() + 600_000 })
      vi.setSystemTime(Date.now() + 62_000)
      const delay = await longestDelay(1, async () => {
        vi.advanceTimersToNextTimer()
        while ((await bank.count(0)) > 1) await new Promise((resolve) => setImmediate(resolve))
      })
      assert.ok(delay < LIMIT, `it blocked the event loop for ${delay} ms`)
      assert.notEqual(await bank.read('live'), null)
      await bank.close()
    } finally {
      vi.useRealTimers()
    }
  })
})
