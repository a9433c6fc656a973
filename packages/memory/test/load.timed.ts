import assert from 'node:assert/strict'
import { describe, it, vi } from 'vitest'
import { longestDelay } from '../../../testing/event-loop-delay.js'
import { MemoryBank } from '../src/index.ts'

const million = 1_000_000
const payload = JSON.stringify({ cookie: { originalMaxAge: 1000 }, user: 'x'.repeat(40) })

/** Fills in slices, as requests would: only what the bank does in one go is to be seen. */
async function fill(bank: MemoryBank, expires: number | null): Promise<void> {
  for (let at = 0; at < million; at++) {
    bank.save(`session-${at}`, { payload, expires })
    if (at % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a million sessions in memory', { timeout: 120_000 }, () => {
  it('are counted, scanned, freed and cleared without stopping the loop', async () => {
    const bank = new MemoryBank()
    const now = Date.now()
    await fill(bank, now + 60_000)
    const inTwoMinutes = now + 120_000
    const turns = {
      count: await longestDelay(3, async () => assert.equal(await bank.count(now), million)),
      'count the dead of one second': await longestDelay(3, async () => assert.equal(await bank.count(inTwoMinutes), 0)),
      scan: await longestDelay(3, async () => {
        let seen = 0
        for await (const _ of bank.scan()) seen++
        assert.equal(seen, million)
      }),
      purge: await longestDelay(1, async () => assert.equal(await bank.purge(inTwoMinutes), million)),
    }
    await fill(bank, now + 60_000)
    const clear = await longestDelay(1, () => bank.clear())
    for (const [what, turn] of Object.entries({ ...turns, clear }))
      assert.ok(turn < 20, `${what} stopped the loop for ${turn} ms`)
    await bank.close()
  })

  it('are freed by the bank itself, in slices, when their time has come', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    try {
      const bank = new MemoryBank()
      await fill(bank, Date.now() + 60_000)
      await bank.save('lives', { payload, expires: Date.now() + 600_000 })
      vi.setSystemTime(Date.now() + 62_000)
      // The timer that is due, then each that goes on where the last one ended.
      const slices: number[] = []
      const seen = async () => (await bank.read(`session-${0}`)) !== null || (await bank.read(`session-${million - 1}`)) !== null
      while (await seen()) {
        const began = performance.now()
        vi.advanceTimersToNextTimer()
        assert.ok(slices.push(performance.now() - began) < 10_000, 'it never ends')
      }
      assert.ok(slices.length > 3, `a million in ${slices.length} slices`)
      // Not the longest of all: other programs stop us as well.
      const long = slices.sort((one, other) => one - other)[Math.floor(slices.length * 0.8)]!
      assert.ok(long < 10, `a slice took ${long} ms`)
      assert.ok((await bank.read('lives')) !== null)
      await bank.close()
    } finally {
      vi.useRealTimers()
    }
  })
})
