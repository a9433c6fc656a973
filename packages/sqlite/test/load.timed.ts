import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { longestDelay } from '../../../testing/event-loop-delay.js'
import { HOUR, opened } from './support.ts'

const COUNT = 60_000

describe(`${COUNT} sessions in SQLite`, { timeout: 300_000 }, () => {
  it('are written, counted, scanned, cleaned and cleared without blocking the event loop', async () => {
    const { another, close } = await opened()
    const bank = await another()
    const now = Date.now()
    const ids = Array.from({ length: COUNT }, (_, n) => `session-${n}`)
    const third = COUNT / 3
    const payload = 'x'.repeat(500)
    const stops = {
      save: await longestDelay(3, async (attempt) => {
        // Every third expires a minute after the one before.
        const expires = now + (attempt + 1) * 60_000
        for (let at = attempt * third; at < (attempt + 1) * third; at += 5_000) {
          await Promise.all(ids.slice(at, at + 5_000).map((id) => bank.save(id, { payload, expires })))
        }
      }),
      count: await longestDelay(3, async () => assert.equal(await bank.count(now + 60_000), 2 * third)),
      scan: await longestDelay(3, async () => {
        let scanned = 0
        for await (const _ of bank.scan()) scanned++
        assert.equal(scanned, COUNT)
      }),
      touchMany: await longestDelay(2, () =>
        bank.touchMany(
          ids.slice(2 * third).map((id) => [id, now + HOUR]),
          now,
        ),
      ),
      purge: await longestDelay(2, async (attempt) => assert.equal(await bank.purge(now + (attempt + 1) * 60_000), third)),
      clear: await longestDelay(1, () => bank.clear()),
    }
    assert.equal(await bank.count(0), 0)
    await close()
    for (const [what, stop] of Object.entries(stops)) assert.ok(stop < 16, `${what} blocked the event loop for ${stop} ms`)
  })
})
