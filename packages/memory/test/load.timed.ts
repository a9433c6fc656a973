import assert from 'node:assert/strict'
import { describe, it, vi } from 'vitest'
import { longestDelay } from '../../../testing/event-loop-delay.js'
import { MemoryBank } from '../src/bank.ts'

const MILLION = 1_000_000
/** The longest time that the event loop may be blocked, in milliseconds. */
const LIMIT = 16
const payload = JSON.stringify({ cookie: { originalMaxAge: 1000 }, user: 'x'.repeat(40) })

/** In parts, as requests would: only what the bank does in one call counts. */
async function fill(bank: MemoryBank, expires: number, ownerOf = (_: number): string | null => null): Promise<void> {
  for (let index = 0; index < MILLION; index++) {
    bank.save(`session-${index}`, { payload, expires, owner: ownerOf(index) })
    if (index % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a million sessions in memory', { timeout: 120_000 }, () => {
  it('are counted, scanned, listed by owner, purged and cleared without blocking the event loop', async () => {
    const bank = new MemoryBank()
    const now = Date.now()
    const later = now + 120_000
    const refill = () => fill(bank, now + 60_000, (index) => (index % 2 === 0 ? 'one' : `owner-${index}`))
    await refill()
    const delays = {
      count: await longestDelay(3, async () => assert.equal(await bank.count(now), MILLION)),
      'count when all have expired': await longestDelay(5, async () => assert.equal(await bank.count(later), 0)),
      scan: await longestDelay(5, async () => {
        let seen = 0
        for await (const _ of bank.scan()) seen++
        assert.equal(seen, MILLION)
      }),
      'ids of an owner': await longestDelay(5, async () => {
        let seen = 0
        for await (const _ of bank.idsOf('one')) seen++
        assert.equal(seen, MILLION / 2)
      }),
      purge: Infinity,
      clear: Infinity,
    }
    for (let attempt = 0; attempt < 3; attempt++) {
      const purge = await longestDelay(1, async () => assert.equal(await bank.purge(later), MILLION))
      await refill()
      const clear = await longestDelay(1, () => bank.clear())
      await refill()
      delays.purge = Math.min(delays.purge, purge)
      delays.clear = Math.min(delays.clear, clear)
    }
    for (const [what, delay] of Object.entries(delays)) assert.ok(delay < LIMIT, `${what} blocked the event loop for ${delay} ms`)
    await bank.close()
  })

  /** The longest part of a fill is the garbage collector's: a million of any objects cost as much. So it is compared with them. */
  it('are saved without blocking the event loop longer than a million objects in small maps do', async () => {
    const objects = await longestDelay(3, async () => {
      const maps = Array.from({ length: 256 }, () => new Map<string, object>())
      for (let index = 0; index < MILLION; index++) {
        const id = `session-${index}`
        maps[index & 255]!.set(id, { id, payload, expires: 1, owner: null, bytes: 0, older: null, newer: null })
        if (index % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const bank = new MemoryBank()
    const saves = await longestDelay(3, async () => {
      await bank.clear()
      await fill(bank, Date.now() + 60_000)
    })
    assert.ok(saves < 2 * objects + 5, `saves blocked the event loop for ${saves} ms, objects in maps for ${objects} ms`)
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
    assert.ok(Math.min(...times) < 5, `a count took ${Math.min(...times)} ms`)
    await bank.close()
  })

  it('are freed by the bank itself, in slices, when they have expired', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    try {
      const bank = new MemoryBank()
      const delays: number[] = []
      for (let attempt = 0; attempt < 3; attempt++) {
        await fill(bank, Date.now() + 60_000)
        await bank.save('live', { payload, expires: Date.now() + 600_000 })
        vi.setSystemTime(Date.now() + 62_000)
        const sweep = async () => {
          vi.advanceTimersToNextTimer()
          while ((await bank.count(0)) > 1) await new Promise((resolve) => setImmediate(resolve))
        }
        delays.push(await longestDelay(1, sweep))
      }
      assert.ok(Math.min(...delays) < LIMIT, `it blocked the event loop for ${Math.min(...delays)} ms`)
      assert.notEqual(await bank.read('live'), null)
      await bank.close()
    } finally {
      vi.useRealTimers()
    }
  })
})
