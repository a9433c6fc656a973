import assert from 'node:assert/strict'
import fs from 'node:fs'
import { describe, it } from 'vitest'
import { longestDelay } from '../../../testing/event-loop-delay.js'
import { DiskBank } from '../src/bank.ts'
import { HOUR, newDirectory } from './helpers.ts'

const SESSIONS = 12_000
/** The longest time that the event loop may be blocked, in milliseconds. */
const LIMIT = 20
// In memory if possible: the slices are measured, not the disk.
const place = fs.existsSync('/dev/shm') ? '/dev/shm' : undefined

describe(`${SESSIONS} sessions in files`, { timeout: 300_000 }, () => {
  it('are saved at the same time, read, touched, counted, scanned, purged and cleared without blocking the event loop', async () => {
    const directory = newDirectory(place)
    const bank = new DiskBank({ path: directory })
    const now = Date.now()
    const ids = Array.from({ length: SESSIONS }, (_, at) => `session-${at}`)
    const third = Math.floor(SESSIONS / 3)
    const saveThird = async (attempt: number) => {
      // Each third expires a minute after the one before.
      const entry = { payload: '{"cookie":{}}', expires: now + (attempt + 1) * 60_000 }
      for (let at = attempt * third; at < (attempt + 1) * third; at += 500) {
        const some = ids.slice(at, Math.min(at + 500, (attempt + 1) * third))
        await Promise.all(some.map((id) => bank.save(id, entry)))
      }
    }
    const delays = {
      save: await longestDelay(3, saveThird),
      read: await longestDelay(3, async () => {
        const found = await Promise.all(ids.slice(0, 2_000).map((id) => bank.read(id)))
        assert.ok(found.every((entry) => entry !== null))
      }),
      readMany: await longestDelay(3, async () => void (await bank.readMany(ids))),
      touchMany: await longestDelay(2, async () =>
        bank.touchMany(
          ids.slice(2 * third).map((id) => [id, now + HOUR]),
          now,
        ),
      ),
      count: await longestDelay(3, async () => assert.equal(await bank.count(now + 60_000), 2 * third)),
      scan: await longestDelay(3, async () => {
        let seen = 0
        for await (const _ of bank.scan()) seen++
        assert.equal(seen, 3 * third)
      }),
      purge: await longestDelay(2, async (attempt) => assert.equal(await bank.purge(now + (attempt + 1) * 60_000), third)),
      clear: await longestDelay(1, () => bank.clear()),
    }
    assert.equal(await bank.count(0), 0)
    await bank.close()
    fs.rmSync(directory, { recursive: true })
    for (const [what, delay] of Object.entries(delays)) assert.ok(delay < LIMIT, `${what} blocked the event loop for ${delay} ms`)
  })
})
